"""What must hold for every head, with every adaptation, on every kind of base."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from feilun.bundles.runtime import Runtime
from feilun.compression.export import export_onnx
from feilun.core.decisions.table import DECISIONS
from feilun.core.spans import differences, reordered
from feilun.core.splits import Splits
from feilun.data.target_kinds.table import TARGET_KINDS
from feilun.evaluation.judges.table import JUDGES
from feilun.evaluation.quality import QUALITIES
from feilun.models.adaptations.frozen import Frozen
from feilun.models.adaptations.full import Full
from feilun.models.adaptations.table import Adaptation
from feilun.models.build import ModelSettings, build
from feilun.models.heads.multilabel import HEAVIEST, MultilabelHead, MultilabelSettings
from feilun.models.heads.regress import RegressHead, RegressSettings
from feilun.models.heads.table import HEADS
from feilun.text.clean import Cleaning
from feilun.training.inputs import make_inputs, token_inputs
from tiny import head_settings, tiny_base, tiny_head_model, tiny_task

READING = [task for task in HEADS if task != "generate"]
"""Tasks with a layer of their own; `test_generate.py` holds the one without to the same."""

cases = pytest.mark.parametrize(
    ("task", "adaptation", "kind"),
    [
        (task, adaptation, kind)
        for task in READING
        for adaptation in (Full(), Frozen())
        for kind in ("encoder", "causal")
    ],
)
each = pytest.mark.parametrize("task", READING)


def test_every_table_knows_every_task() -> None:
    for table in (DECISIONS, JUDGES, QUALITIES, TARGET_KINDS):
        assert set(table) == set(HEADS)


@cases
def test_gradients_flow_only_where_weights_may_move(task: str, adaptation: Adaptation, kind: str) -> None:
    model = tiny_head_model(task, adaptation, kind)
    corpus, _ = tiny_task(task, 8)
    states = token_inputs(model, corpus).pooled(range(8))
    losses = model.head.loss(model.head(states), model.head.targets(corpus))
    assert losses.shape == (8,)
    if model.moving:
        losses.mean().backward()
    for name, weight in model.named_parameters():
        assert (weight.grad is not None) == weight.requires_grad, name


@pytest.mark.parametrize("adaptation", [Frozen(), Frozen(layers=1), Full()])
def test_a_head_that_reads_tokens_gets_their_states_however_its_rows_are_kept(adaptation: Adaptation) -> None:
    model = tiny_head_model("tag", adaptation).eval()
    corpus, _ = tiny_task("tag", 12)
    rows = [7, 2, 9]
    states = make_inputs(model, corpus).pooled(rows)  # (rows, longest, hidden)
    tokens = model.encoder.encode(corpus.text)
    expected = model.pooled([tokens[row] for row in rows])
    for i, row in enumerate(rows):
        assert torch.allclose(states[i, : len(tokens[row])], expected[i, : len(tokens[row])], atol=1e-5)
    targets = model.head.targets(corpus)
    assert model.head.loss(model.head(states), targets[rows]).shape == (3,)


@each
def test_alone_and_together_torch_and_onnx_say_the_same(task: str, tmp_path: Path) -> None:
    model = tiny_head_model(task).eval()
    corpus, labels = tiny_task(task, 30, seed=4)
    together = model.logits(corpus)
    alone = reordered([model.logits(corpus.select([i])) for i in range(len(corpus))], np.arange(len(corpus)))
    assert differences(together, alone).max() < 1e-5
    export_onnx(model, tmp_path / "model.onnx")
    runtime = Runtime(
        tmp_path / "model.onnx", model.encoder, labels, cleaning=Cleaning(), decision=model.decision, threads=1
    )
    assert differences(runtime.logits(corpus), together).max() < 1e-4
    for one, other in zip(runtime.predict(corpus), model.predict(corpus), strict=True):
        assert one.task == DECISIONS[task].task
        assert one.label == other.label or one.score == pytest.approx(other.score, abs=1e-3)
    assert runtime.predict(corpus.select([])) == []


@each
def test_a_decision_comes_back_from_its_table_as_it_was(task: str) -> None:
    model = tiny_head_model(task)
    corpus, labels = tiny_task(task, 40, seed=2)
    fitted = JUDGES[task].calibrate(model.logits(corpus), corpus, labels, model.decision, None)
    assert DECISIONS[task].from_table(json.loads(json.dumps(asdict(fitted)))) == fitted
    assert not fitted.changed(model.logits(corpus), model.logits(corpus), labels.names).any()


def test_the_loss_of_a_label_set_falls_as_each_label_is_told_right() -> None:
    corpus, labels = tiny_task("multilabel", 6)
    head = MultilabelHead(32, labels, MultilabelSettings(label_smoothing=0.1))
    targets = head.targets(corpus)
    right = 4 * targets - 2
    assert (head.loss(right, targets) < head.loss(0 * right, targets)).all()
    assert (head.loss(-right, targets) > head.loss(0 * right, targets)).all()
    too_sure = 40 * targets - 20
    assert (head.loss(too_sure, targets) > head.loss(right, targets)).all()  # smoothed targets are never certain


def test_balanced_labels_weigh_having_as_much_as_not_having() -> None:
    corpus, labels = tiny_task("multilabel", 80)
    head = MultilabelHead(32, labels, MultilabelSettings(class_weights="balanced"))
    head.observe(corpus)
    having = head.targets(corpus).sum(0)
    assert head.weights is not None
    expected = ((80 - having) / having).clamp(1, HEAVIEST)
    assert torch.allclose(head.weights, expected)


def test_numbers_are_standardised_by_the_training_rows_alone() -> None:
    corpus, labels = tiny_task("regress", 50)
    head = RegressHead(32, labels, RegressSettings())
    head.observe(corpus)
    targets = head.targets(corpus)
    assert torch.allclose(targets.mean(0), torch.zeros(2), atol=1e-5)
    assert torch.allclose(targets.std(0, correction=0), torch.ones(2), atol=1e-4)
    values = head.decision.values(targets.numpy())  # type: ignore[attr-defined]
    assert np.allclose(values, np.array(corpus.target), atol=1e-4)
    head.targets(corpus.select([0]))
    assert torch.equal(head.targets(corpus), targets)


def test_huber_weighs_a_far_miss_less_than_the_square() -> None:
    _, labels = tiny_task("regress")
    near, far = torch.full((1, 2), 0.5), torch.full((1, 2), 6.0)
    nothing = torch.zeros(1, 2)
    huber, square = (RegressHead(32, labels, RegressSettings(loss=loss)) for loss in ("huber", "mse"))  # type: ignore[arg-type]
    assert huber.loss(near, nothing) == pytest.approx(square.loss(near, nothing).item() / 2)
    assert huber.loss(far, nothing) < square.loss(far, nothing) / 4


@pytest.mark.parametrize("weights", ["none", "balanced"])
def test_a_multilabel_head_begins_with_the_shares_of_the_labels(weights: str) -> None:
    rows, labels = tiny_task("multilabel", 200)
    head = MultilabelHead(32, labels, MultilabelSettings(class_weights=weights))
    head.observe(rows)
    share = head.targets(rows).mean(0)
    wanted = share if weights == "none" else torch.full_like(share, 0.5)  # the weights level them
    torch.testing.assert_close(torch.sigmoid(head.first_biases(rows)), wanted, atol=0.02, rtol=0)


def test_a_model_begins_with_the_biases_of_its_head() -> None:
    for task in ("multilabel", "multitask"):
        rows, labels = tiny_task(task, 200)
        splits = Splits(rows, rows, rows, labels, {}, "")
        model = build(ModelSettings(base="tiny", max_tokens=16, head=head_settings(task)), tiny_base(), splits, 13)
        torch.testing.assert_close(model.head.get_parameter("linear.bias"), model.head.first_biases(rows))
        assert model.head.get_parameter("linear.bias").abs().max() > 0.1
