"""The ranks do change, they reach their budget, and the log shows it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from feilun.core.errors import UsageError
from feilun.core.settings import read
from feilun.models.adaptations.adalora import AdaLoRA, _keep_orthogonal
from feilun.models.adaptations.low_rank import NAME, low_rank_modules
from feilun.training.fit import Run, fit
from feilun.training.interruption import Interruption
from feilun.training.settings import TrainingSettings
from feilun.training.stopping import EarlyStopping
from feilun.training.trackers.run_folder import RunFolder
from tiny import read_log, tiny_model, tiny_splits

SETTINGS = TrainingSettings(epochs=4, batch_tokens=64, early_stopping=EarlyStopping("macro_f1", 0, 1))


@pytest.mark.parametrize("interval", [1, 3, 1000])
def test_ranks_fall_to_the_budget_and_differ_between_weights(interval: int, tmp_path: Path) -> None:
    model = tiny_model(AdaLoRA(3, 6, interval=interval))
    progress = fit(model, tiny_splits(60), SETTINGS, RunFolder(tmp_path), tmp_path, identity="made")
    lines = [json.loads(line) for line in read_log(tmp_path)]
    ranks = [line for line in lines if "rank_sum" in line]
    assert len(ranks) == 1 if interval == 1000 else len(ranks) > 3
    sums = [line["rank_sum"] for line in ranks]
    assert sums == sorted(sums, reverse=True)
    assert all(line["rank_sum"] <= line["rank_budget"] for line in ranks)
    assert sums[-1] == ranks[-1]["rank_budget"] == 3 * 12
    assert ranks[-1]["step"] == progress.step - int(0.3 * progress.step)
    assert len({value for name, value in ranks[-1].items() if name.startswith("rank.")}) > 1


def test_what_is_not_kept_is_zero_at_the_end(tmp_path: Path) -> None:
    model = tiny_model(AdaLoRA(3, 6))
    run = Run(model, tiny_splits(60), SETTINGS, RunFolder(tmp_path), tmp_path, "made")
    run.go(None, Interruption())  # without `close`, so that the weights are those of the last step
    left = 0
    for _, layer in low_rank_modules(model.body):
        assert torch.equal(layer.lora_E[NAME] != 0, layer.kept)
        left += int(layer.kept.sum())
    assert left == 3 * 12


@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize("batches", [1, 3])
def test_the_loss_of_orthogonality_is_added_once_a_step(rows: bool, batches: int) -> None:
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(3, 8) if rows else torch.randn(8, 3))
    vectors = weight if rows else weight.t()
    (0.7 * (vectors @ vectors.t() - torch.eye(3)).norm()).backward()
    wanted, weight.grad = weight.grad, None
    _keep_orthogonal(weight, 0.7, rows=rows)
    for _ in range(batches):
        (2 * weight).sum().backward()
    torch.testing.assert_close(weight.grad, wanted + 2 * batches)


def test_a_run_too_short_for_ranks_to_fall_is_refused(tmp_path: Path) -> None:
    settings = replace(SETTINGS, epochs=1, batch_tokens=10**6, batch_rows=10**6)
    with pytest.raises(UsageError, match="1 step"):
        fit(tiny_model(AdaLoRA(2, 3)), tiny_splits(60), settings, RunFolder(tmp_path), tmp_path, identity="made")


@pytest.mark.parametrize("shares", [(0.0, 0.0), (0.1, 0.3), (0.5, 0.45), (0.95, 0.01), (0.01, 0.95)])
def test_every_run_has_all_three_phases(shares: tuple[float, float]) -> None:
    for total in range(4, 60):
        phases = AdaLoRA(2, 3, warmup_share=shares[0], final_share=shares[1])._phases(total)
        assert 1 <= phases.warmup < total - phases.final < total


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"rank": 0}, "rank must be at least 1"),
        ({"rank": 8, "initial_rank": 8}, "initial_rank must be above"),
        ({"warmup_share": 0.5, "final_share": 0.5}, "sum to less than 1"),
    ],
)
def test_settings_that_cannot_be_are_refused(table: dict[str, float], message: str) -> None:
    _, faults = read(AdaLoRA, table, "model.adaptation")
    assert message in " ".join(fault.message for fault in faults)
