"""Pretraining: perplexity falls, a run that was stopped goes on bitwise, what cannot be is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from feilun.core.corpus import corpus_of
from feilun.core.errors import BaseModelError, DataError
from feilun.core.labels import LabelSet
from feilun.core.splits import Splits
from feilun.models.adaptations.full import Full
from feilun.models.bases.base import Base
from feilun.models.bases.blank import open_blank
from feilun.models.build import ModelSettings, set_dropout
from feilun.models.heads.masked import MaskedSettings
from feilun.models.masking import MaskSettings
from feilun.models.text_model import TextModel
from feilun.training.inputs import make_inputs
from feilun.training.pretrain import MOST_JUDGED, Pretrained, pretrain, refuse_unless_it_can, spread
from feilun.training.settings import TrainingSettings
from feilun.training.stopping import EarlyStopping
from feilun.training.trackers.run_folder import RunFolder
from tiny import masked_base, phrases, tiny_base

TRAINING = TrainingSettings(
    epochs=3, batch_tokens=256, accumulate=2, learning_rate=3e-3, layer_decay=1.0, checkpoint_seconds=0,
    early_stopping=EarlyStopping("perplexity"), threads=1,
)  # fmt: skip
MODEL = ModelSettings(max_tokens=16, vocabulary="keep", precision="fp32")


def base_of(kind: str) -> Base:
    return masked_base() if kind == "encoder" else tiny_base("causal")


def texts(rows: int = 400) -> Splits:
    sets = [corpus_of(phrases(count, seed)) for count, seed in ((rows, 1), (60, 2), (60, 3))]
    return Splits(*sets, LabelSet(()), {}, "made")


def run(folder: Path, kind: str, watcher: object = None, *, resume: bool = False, seed: int = 13) -> Pretrained:
    return pretrain(
        base_of(kind), texts(), MODEL, MaskSettings(), replace(TRAINING, seed=seed), RunFolder(folder), folder,
        identity="made", resume=resume, watcher=watcher,
    )  # fmt: skip


def weights(made: Pretrained) -> dict[str, torch.Tensor]:
    return {name: weight.clone() for name, weight in made.base.model.state_dict().items()}


class StopAt:
    """Stops a run like a crash would, behind so many steps."""

    def __init__(self, step: int) -> None:
        self.step_to_stop = step

    def step(self, progress, total, figures):
        if progress.step == self.step_to_stop:
            raise KeyboardInterrupt


@pytest.mark.parametrize("kind", ["encoder", "causal"])
def test_held_out_texts_become_less_surprising(tmp_path, kind):
    made = run(tmp_path, kind)
    assert made.after < 0.9 * made.before
    assert made.held_out == 60
    assert made.progress.best == min(row["perplexity"] for row in made.progress.history)


@pytest.mark.parametrize("kind", ["encoder", "causal"])
@pytest.mark.parametrize("step", [1, 9])
def test_a_stopped_run_goes_on_to_bitwise_the_same_weights(tmp_path, kind, step):
    whole = weights(run(tmp_path / "whole", kind))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped", kind, StopAt(step + 1))
    torch.manual_seed(99)  # nothing may hang on the generator's state
    resumed = weights(run(tmp_path / "stopped", kind, resume=True))
    assert all(torch.equal(weight, resumed[name]) for name, weight in whole.items())
    other = weights(run(tmp_path / "other", kind, seed=14))
    assert not all(torch.equal(weight, other[name]) for name, weight in whole.items())


def test_every_step_hides_other_words_and_every_look_the_same_ones():
    head = MaskedSettings(MaskSettings(), 13).make(32, LabelSet(()))
    model = TextModel(masked_base(), head, Full(), LabelSet(()), 16)
    set_dropout(model.body, 0.0)
    inputs = make_inputs(model, texts().train)

    def surprise(step: int | None) -> torch.Tensor:
        if step is not None:
            head.before_step(step)
        model.train(step is not None)
        return inputs.pooled(range(20)).detach()

    assert torch.equal(surprise(3), surprise(3))
    assert not torch.equal(surprise(3), surprise(4))
    look = surprise(None)
    surprise(5)
    assert torch.equal(look, surprise(None))


def test_a_base_that_reads_no_text_or_has_no_mask_is_refused():
    with pytest.raises(BaseModelError, match="reads no text"):
        refuse_unless_it_can(open_blank())
    with pytest.raises(BaseModelError, match="no token that stands for a hidden word"):
        refuse_unless_it_can(tiny_base())
    refuse_unless_it_can(masked_base())
    refuse_unless_it_can(tiny_base("causal"))


def test_texts_of_a_single_batch_are_refused(tmp_path):
    few = replace(texts(), train=corpus_of(phrases(6, 1)))
    with pytest.raises(DataError, match=r"6 passages .* an epoch would be a single step"):
        pretrain(masked_base(), few, MODEL, MaskSettings(), TRAINING, RunFolder(tmp_path), tmp_path, identity="made")


def test_held_out_texts_that_are_many_are_looked_at_evenly():
    kept = spread(corpus_of([str(i) for i in range(2 * MOST_JUDGED)]))
    assert kept.text == [str(i) for i in range(0, 2 * MOST_JUDGED, 2)]
    assert len(spread(corpus_of(["a"]))) == 1
