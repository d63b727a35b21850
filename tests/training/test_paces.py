"""How fast base and head learn where the recipe leaves it open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from feilun.core.errors import LossNotFinite
from feilun.core.splits import Splits
from feilun.training.fit import Run, fit
from feilun.training.optimizer import default_rate
from feilun.training.settings import TrainingSettings
from feilun.training.trackers.run_folder import RunFolder
from tiny import tiny_head_model, tiny_task

SETTINGS = TrainingSettings(batch_rows=32, batch_tokens=10**6, epochs=1)


def run_of(task: str, folder: Path, settings: TrainingSettings = SETTINGS) -> Run:
    rows, labels = tiny_task(task, 64)
    splits = Splits(rows, rows, rows, labels, {}, "made")
    return Run(tiny_head_model(task), splits, settings, RunFolder(folder), folder, "made")


@pytest.mark.parametrize("task", ["classify", "multilabel", "tag"])
def test_base_and_head_learn_at_the_pace_of_the_task(task: str, tmp_path: Path) -> None:
    run = run_of(task, tmp_path)
    head = run.model.head
    own = head.base_pace * default_rate(run.model.base, run.model.adaptation)
    rates = {group["full_rate"] for group in run.optimizer.param_groups}
    assert max(rates) == pytest.approx(head.pace * own)
    assert max(rates - {max(rates)}) == pytest.approx(own)
    asked = run_of(task, tmp_path, replace(SETTINGS, learning_rate=1e-3))
    assert max(group["full_rate"] for group in asked.optimizer.param_groups) == pytest.approx(head.pace * 1e-3)


def test_a_loss_that_is_no_number_names_the_texts_of_its_windows(tmp_path: Path) -> None:
    rows, labels = tiny_task("tag", 12)
    rows = replace(rows, text=[text + " fee help" * 12 for text in rows.text])  # two windows a text
    model = tiny_head_model("tag")
    model.head.get_parameter("linear.weight").data.fill_(float("nan"))
    splits = Splits(rows, rows, rows, labels, {}, "made")
    with pytest.raises(LossNotFinite) as caught:
        fit(model, splits, SETTINGS, RunFolder(tmp_path), tmp_path, identity="made")
    assert set(caught.value.row_ids) <= set(rows.id)
