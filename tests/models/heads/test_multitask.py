from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from feilun.core.decisions.multitask import qualified
from feilun.core.labels import LabelSet
from feilun.core.splits import Splits
from feilun.models.heads.multitask import MultitaskHead, MultitaskSettings, TaskPart, drawn_rows, rows_of
from feilun.models.heads.regress import RegressSettings
from feilun.models.text_model import TextModel
from feilun.training.fit import Run
from feilun.training.interruption import Interruption
from feilun.training.settings import TrainingSettings
from feilun.training.stopping import EarlyStopping
from feilun.training.trackers.run_folder import RunFolder
from tiny import tiny_head_model, tiny_task


def test_each_row_teaches_its_own_task_alone() -> None:
    model = tiny_head_model("multitask").train()
    corpus, _ = tiny_task("multitask", 12)
    targets = model.head.targets(corpus)
    logits = torch.randn(12, model.head.linear.out_features, requires_grad=True)  # type: ignore[union-attr, arg-type]
    for own, at in model.head.decision.parts():  # type: ignore[attr-defined]
        rows = rows_of(corpus)[own.name]
        logits.grad = None
        model.head.loss(logits, targets)[torch.from_numpy(rows)].sum().backward()
        assert logits.grad is not None
        touched = logits.grad.abs() > 0
        assert touched[torch.from_numpy(rows)][:, at].any(1).all()
        touched[:, at] = False
        assert not touched.any()


def test_a_task_may_have_the_name_of_what_torch_has_too() -> None:
    parts = tuple(TaskPart(name, "regress", 1.0, RegressSettings()) for name in ("type", "values", "train", "half"))
    labels = LabelSet(tuple(qualified(part.name, "size") for part in parts))
    head = MultitaskHead(8, labels, MultitaskSettings(parts=parts))
    assert head.train()(torch.randn(3, 8)).shape == (3, 4)


def test_small_tasks_are_drawn_more_often_the_higher_the_temperature_and_every_row_is() -> None:
    rows = {"large": np.arange(100), "small": np.arange(100, 110)}
    counts = [len(drawn_rows(rows, temperature)) for temperature in (1, 2, 1e9)]
    assert counts == [110, 100 + round(100 * 0.1**0.5), 200]
    assert set(drawn_rows(rows, 3.0).tolist()) == set(range(110))
    model = tiny_head_model("multitask")
    orders = [model.head.order(60, np.random.default_rng(seed)) for seed in (1, 2)]
    assert sorted(orders[0].tolist()) == sorted(orders[1].tolist()) == list(range(60))
    assert orders[0].tolist() != orders[1].tolist()


def test_a_task_that_rises_no_more_is_left_out_of_the_loss_and_comes_back_by_the_same_history() -> None:
    model = tiny_head_model("multitask")
    head = model.head
    head.settings = replace(head.settings, patience=2)  # type: ignore[type-var]
    history = [{"step": i, "mean": 0.1, "mood.f1": 0.5 - i / 10, "topics.f1": i / 10, "size.r2": 0.1} for i in range(3)]
    head.watch(history[:2])
    assert head.weights == {"mood": 1.0, "topics": 1.0, "size": 1.0}
    head.watch(history)
    assert head.weights == {"mood": 0.0, "topics": 1.0, "size": 0.0}
    corpus, _ = tiny_task("multitask", 9)
    logits = torch.zeros(9, head.decision.width(0))  # type: ignore[attr-defined]
    losses = head.loss(logits, head.targets(corpus))
    assert (losses[rows_of(corpus)["mood"]] == 0).all()
    assert (losses[rows_of(corpus)["topics"]] > 0).all()


def test_the_layer_of_all_learns_as_fast_as_the_task_that_needs_it_most() -> None:
    paces = {task: tiny_head_model(task).head.pace for task in ("classify", "multilabel", "multitask")}
    assert paces["multitask"] == paces["multilabel"] > paces["classify"]


def test_in_training_and_after_it_the_same_layer_answers() -> None:
    model = tiny_head_model("multitask")
    for own in model.head.heads.values():  # type: ignore[union-attr, operator]
        own.dropout.p = 0.0
    pooled = torch.randn(5, 32)
    assert torch.allclose(model.head.train()(pooled), model.head.eval()(pooled), atol=1e-6)
    assert {name for name, _ in model.head.named_parameters()} == {"linear.weight", "linear.bias"}


def test_a_run_that_was_stopped_and_left_a_task_out_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    corpus, labels = tiny_task("multitask", 60)
    splits = Splits(corpus, *(tiny_task("multitask", 30, seed)[0] for seed in (1, 2)), labels, {}, "made")
    stopping = EarlyStopping("mean", patience=0)
    settings = TrainingSettings(epochs=4, batch_rows=8, learning_rate=1e-3, early_stopping=stopping)

    def fitted(folder: Path, epochs: int, resume: bool = False) -> TextModel:
        model = tiny_head_model("multitask")
        model.head.settings = replace(model.head.settings, patience=1, temperature=2.0)  # type: ignore[type-var]
        model.head.observe(corpus)
        run = Run(model, splits, settings, RunFolder(folder), folder, "made")
        if resume:
            run.restore()
        while not run.progress.finished and run.progress.step < epochs * run.steps_per_epoch:
            run.model.train()
            run.go_on_to_the_end_of_the_epoch(None, Interruption())
        run.save()
        return model

    whole = fitted(tmp_path / "whole", 4)
    fitted(tmp_path / "cut", 2)
    again = fitted(tmp_path / "cut", 4, resume=True)
    assert 0.0 in whole.head.weights.values()  # type: ignore[union-attr, operator]
    assert again.head.weights == whole.head.weights
    for name, weight in whole.trained_state().items():
        assert torch.equal(weight, again.trained_state()[name]), name
