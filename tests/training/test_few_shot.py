"""Contrastive tuning: it learns from a few rows, resumes bitwise, and the head that is served is a plain one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from feilun.core.labels import LabelSet
from feilun.core.splits import Splits
from feilun.evaluation.baselines.tf_idf import fit_regression
from feilun.models.heads.class_contrast import TEMPERATURE, ClassContrastHead, within_batch
from feilun.models.heads.classify import ClassifyHead, ClassifySettings
from feilun.models.text_model import TextModel
from feilun.training.few_shot import fit_contrastive, put_regression
from feilun.training.inputs import make_inputs
from feilun.training.settings import TrainingSettings
from feilun.training.trackers.run_folder import RunFolder
from tiny import LABELS, tiny_model, tiny_splits

SETTINGS = TrainingSettings(
    epochs=12, batch_rows=32, learning_rate=3e-3, method="contrastive", average=0, checkpoint_seconds=0, threads=1
)


def run(folder: Path, watcher: object = None, *, resume: bool = False, rows: int = 90) -> tuple[TextModel, Splits]:
    model, splits = tiny_model(), tiny_splits(rows)
    fit_contrastive(model, splits, SETTINGS, RunFolder(folder), folder, identity="made", resume=resume, watcher=watcher)
    return model, splits


def accuracy(model: TextModel, splits: Splits) -> float:
    return float(np.mean([p.label == t for p, t in zip(model.predict(splits.test), splits.test.target, strict=True)]))


def test_it_learns_and_leaves_the_head_of_the_recipe(tmp_path):
    model, splits = run(tmp_path)
    assert isinstance(model.head, ClassifyHead)
    assert {name for name in model.moving if name.startswith("head.")} == {"head.linear.weight", "head.linear.bias"}
    before = {name: weight for name, weight in tiny_model().body.named_parameters() if name.endswith("dense.weight")}
    assert not any(
        torch.equal(before[name], weight) for name, weight in model.body.named_parameters() if name in before
    )
    assert accuracy(model, splits) > 0.9


def test_a_stopped_run_goes_on_to_bitwise_the_same_weights(tmp_path):
    class Stop:
        def step(self, progress, total, figures):
            if progress.step == 5:
                raise KeyboardInterrupt

    whole, _ = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped", Stop())
    resumed, _ = run(tmp_path / "stopped", resume=True)
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), resumed.parameters(), strict=True))


def test_the_loss_of_a_batch_is_that_of_finding_ones_own_class():
    states = torch.nn.functional.normalize(torch.randn(5, 8, generator=torch.Generator().manual_seed(0)), dim=1)
    targets = torch.tensor([0, 0, 1, 1, 2])
    found = within_batch(states, targets)
    cosines = (states @ states.T / TEMPERATURE).numpy()
    others = [1, 2, 3, 4]
    wanted = np.log(np.exp(cosines[0, others]).sum()) - cosines[0, 1]
    assert found[0].item() == pytest.approx(wanted, abs=1e-4)
    assert found[4].item() == 0.0


def test_directions_begin_as_the_means_of_their_classes_and_states_stand_behind_logits_in_training_only():
    head = ClassContrastHead(4, LABELS)
    states = torch.tensor([[2.0, 0, 0, 0], [0, 3.0, 0, 0], [0, 0, 1.0, 0], [4.0, 0, 0, 0]])
    head.begin_with(states, torch.tensor([0, 1, 2, 0]))
    assert torch.equal(head.directions.detach(), torch.eye(4)[:3])
    assert head(states).shape == (4, 3 + 4)
    assert head.eval()(states).argmax(1).tolist() == [0, 1, 2, 0]


def test_the_regression_is_folded_into_the_layer():
    model, splits = tiny_model().eval(), tiny_splits(60)
    states = make_inputs(model, splits.train).all()
    put_regression(model.head, states, model.head.targets(splits.train))
    once = model.head(states.float()).detach()
    put_regression(model.head, states * 7 + 3, model.head.targets(splits.train))
    again = model.head((states * 7 + 3).float()).detach()
    assert torch.allclose(once.softmax(1), again.softmax(1), atol=1e-3)


@pytest.mark.parametrize("taught", [(0, 1), (0, 2), (0, 1, 2)])
def test_the_layer_says_what_the_regression_does_with_two_classes_and_where_one_has_no_rows(taught):
    head = ClassifyHead(8, LabelSet(("a", "b", "c")[: max(taught) + 1]), ClassifySettings()).eval()
    targets = torch.tensor([taught[i % len(taught)] for i in range(60)])
    generator = torch.Generator().manual_seed(3)
    states = torch.randn(60, 8, generator=generator) + 2 * torch.eye(8)[targets]
    put_regression(head, states, targets)
    shares = head(states).softmax(1).detach().numpy()
    rows = states.double().numpy() - states.double().numpy().mean(0)
    fitted = fit_regression(rows / np.linalg.norm(rows, axis=1).mean(), targets.numpy(), len(head.labels))
    wanted = fitted.predict_proba(rows / np.linalg.norm(rows, axis=1).mean())
    assert np.abs(shares[:, taught] - wanted).max() < 1e-4
    assert (shares.argmax(1) == targets.numpy()).mean() > 0.9


def test_memory_grows_with_the_rows_of_a_batch_not_with_their_pairs(tmp_path):
    for rows in (90, 180):
        model = tiny_model()
        seen: list[int] = []
        handle = model.body.register_forward_pre_hook(
            lambda _, __, given, seen=seen: seen.append(len(given["input_ids"])), with_kwargs=True
        )
        settings = replace(SETTINGS, epochs=1)
        fit_contrastive(model, tiny_splits(rows), settings, RunFolder(tmp_path), tmp_path, identity=str(rows))
        handle.remove()
        assert sum(seen) <= 4 * rows + 4 * 40
