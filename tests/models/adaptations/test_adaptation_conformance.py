"""What must hold for every adaptation that adds to a base, on every kind of base."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from feilun.models.adaptations.adalora import AdaLoRA
from feilun.models.adaptations.adaptation import Adaptation
from feilun.models.adaptations.adapter import Adapter
from feilun.models.adaptations.frozen import Frozen
from feilun.models.adaptations.full import Full
from feilun.models.adaptations.lora import LoRA
from feilun.models.adaptations.table import ADAPTATIONS
from feilun.models.text_model import TextModel
from feilun.training import checkpoint
from feilun.training.fit import fit
from feilun.training.settings import TrainingSettings
from feilun.training.stopping import EarlyStopping
from feilun.training.trackers.run_folder import RunFolder
from tiny import reviews, tiny_base, tiny_model, tiny_splits

ADDED: list[Adaptation] = [
    Adapter(4),
    Adapter(4, "pfeiffer"),
    LoRA(2),
    LoRA(2, targets=("all",), dropout=0.2),
    AdaLoRA(2, 3, interval=2),
]
CASES: list[Adaptation] = [*ADDED, Full(), Frozen(), Frozen(layers=2, gradual=True)]
SETTINGS = TrainingSettings(
    epochs=2, batch_tokens=128, checkpoint_seconds=0, early_stopping=EarlyStopping("macro_f1", 0, 1)
)


def on_every_base(adaptations: list[Adaptation]) -> pytest.MarkDecorator:
    cases = [(adaptation, kind) for adaptation in adaptations for kind in ("encoder", "causal")]
    return pytest.mark.parametrize(("adaptation", "kind"), cases, ids=str)


def trained(adaptation: Adaptation, kind: str, folder: Path, **changes: object) -> TextModel:
    model = tiny_model(adaptation, kind)
    settings = replace(SETTINGS, **changes)  # type: ignore[arg-type]
    fit(model, tiny_splits(60), settings, RunFolder(folder), folder, identity="made")
    return model


@on_every_base(ADDED)
def test_nothing_changes_until_something_was_learnt(adaptation: Adaptation, kind: str) -> None:
    corpus = reviews(20, 4)
    plain, adapted = tiny_model(None, kind).eval(), tiny_model(adaptation, kind).eval()
    assert np.allclose(plain.logits(corpus), adapted.logits(corpus), atol=1e-6)
    assert adapted.moving


@on_every_base(CASES)
def test_frozen_stays_bitwise_and_what_may_move_moves(adaptation: Adaptation, kind: str, tmp_path: Path) -> None:
    model = tiny_model(adaptation, kind)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    fit(model, tiny_splits(60), SETTINGS, RunFolder(tmp_path), tmp_path, identity="made")
    for name, weight in model.named_parameters():
        moved = not torch.equal(before[name], weight)
        key_bias = name.endswith("key.bias")  # the softmax takes it away: its gradient is next to nothing
        assert moved == (name in model.moving) or key_bias, name


@on_every_base(CASES)
def test_folded_equals_unfolded(adaptation: Adaptation, kind: str, tmp_path: Path) -> None:
    model, corpus = trained(adaptation, kind, tmp_path), reviews(30, 5)
    unfolded = model.logits(corpus)
    assert np.abs(unfolded - tiny_model(None, kind).logits(corpus)).max() > 1e-3
    model.fold()
    assert np.allclose(model.logits(corpus), unfolded, atol=1e-5)
    own = {type(module).__module__.partition(".")[0] for module in model.body.modules()}
    assert "peft" not in own
    model.fold()
    assert np.allclose(model.logits(corpus), unfolded, atol=1e-5)


@on_every_base(ADDED)
def test_a_checkpoint_holds_little_more_than_what_moves(adaptation: Adaptation, kind: str, tmp_path: Path) -> None:
    model = trained(adaptation, kind, tmp_path)
    state = model.trained_state()
    assert set(model.moving) <= set(state)
    assert not any("word_embeddings" in name or "embed_tokens" in name for name in state)
    weights = {name for name, weight in model.named_parameters() if not weight.requires_grad}
    assert not weights & set(state)


@on_every_base(CASES)
def test_same_seed_same_weights(adaptation: Adaptation, kind: str, tmp_path: Path) -> None:
    first, second = trained(adaptation, kind, tmp_path / "a"), trained(adaptation, kind, tmp_path / "b")
    for (name, one), (_, other) in zip(first.named_parameters(), second.named_parameters(), strict=True):
        assert torch.equal(one, other), name


class Killed(Exception):
    """What a test raises in the middle of a run."""


class Killer:
    """A watcher that kills the run after some steps."""

    def __init__(self, after: int) -> None:
        self.after = after

    def step(self, progress: checkpoint.Progress, total: int, figures: object) -> None:
        if progress.step == self.after:
            raise Killed


@on_every_base([AdaLoRA(2, 3, interval=2), LoRA(2, dropout=0.2), Adapter(4), Frozen(layers=2, gradual=True)])
def test_killed_and_resumed_equals_uninterrupted(adaptation: Adaptation, kind: str, tmp_path: Path) -> None:
    whole = trained(adaptation, kind, tmp_path / "whole")
    for after in (3, 5, 8):  # while the ranks fall, and after they are settled
        folder = tmp_path / "killed"
        with pytest.raises(Killed):
            fit(tiny_model(adaptation, kind), tiny_splits(60), SETTINGS, RunFolder(folder), folder, identity="made",
                resume=True, watcher=Killer(after))  # fmt: skip
    resumed = tiny_model(adaptation, kind)
    fit(resumed, tiny_splits(60), SETTINGS, RunFolder(folder), folder, identity="made", resume=True)
    for name, tensor in whole.trained_state().items():
        assert torch.equal(tensor, resumed.trained_state()[name]), name


def test_the_guide_has_a_section_for_every_adaptation() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "adaptations.md").read_text(encoding="utf-8")
    for kind in ADAPTATIONS:
        assert f"\n## {kind}\n" in guide
        assert f"| `{kind}` |" in guide


def test_gradual_unfreezing_begins_at_the_top_and_ends_at_half_of_the_run() -> None:
    adaptation, base = Frozen(layers=2, gradual=True), tiny_base()
    adaptation.apply(base)
    awake = []
    for step in range(100):
        adaptation.before_step(base, step, 100)
        awake.append([all(weight.requires_grad for weight in layer.parameters()) for layer in base.layers])
    assert awake[0] == awake[24] == [False, True]
    assert awake[25] == awake[99] == [True, True]
    assert Frozen(gradual=True).contradictions()
