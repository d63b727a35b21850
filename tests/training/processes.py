"""What tests of several processes share: models whose gradients do not depend on chance, and how gradients compare."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from feilun.core.splits import Splits
from feilun.models.adaptations.adaptation import Adaptation
from feilun.models.text_model import TextModel
from feilun.training.fit import Run
from feilun.training.forward import Team, single_process
from feilun.training.settings import TrainingSettings
from feilun.training.trackers.run_folder import RunFolder
from tiny import tiny_head_model, tiny_task
from tiny_writer import asked, writer_model

SETTINGS = TrainingSettings(batch_tokens=120, accumulate=2, clip=0.0)


def still_model(task: str, adaptation: Adaptation | None = None, kind: str = "encoder") -> TextModel:
    model = writer_model() if task == "generate" else tiny_head_model(task, adaptation, kind)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model


def rows_of(task: str) -> Splits:
    model = still_model(task)
    corpus = asked(60) if task == "generate" else tiny_task(task)[0]
    return Splits(corpus, corpus, corpus, model.labels, {}, "made")


def run_of(
    task: str, folder: Path, model: TextModel, settings: TrainingSettings = SETTINGS, team: Team = single_process
) -> Run:
    run = Run(model, rows_of(task), settings, RunFolder(folder), folder, "made", team=team)
    model.train()
    return run


def gradients(model: TextModel) -> dict[str, Tensor]:
    """Those that the weights hold; they are taken from them."""
    found = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
    model.zero_grad(set_to_none=True)
    return found


def difference(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    """The largest difference of two numbers; as a share of the largest number, where that is above 1."""
    assert one.keys() == other.keys()
    flat, further = (torch.cat([found[name].flatten() for name in one]) for found in (one, other))
    return float((flat - further).abs().max() / flat.abs().max().clamp(min=1))
