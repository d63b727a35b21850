"""Checkpoints that are complete or absent, and resume to the bitwise same weights."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from feilun.core.errors import TrainingError
from feilun.core.files import atomic_file
from feilun.core.remark import Remark
from feilun.models.text_model import TextModel
from feilun.training.averaging import AveragedWeights
from feilun.training.random_state import random_state, set_random_state

CHECKPOINT = "checkpoint.safetensors"


@dataclass
class Progress:
    """Where a run stands between two optimiser steps; changes as the run goes.

    Args:
        step: Optimiser steps done.
        best: Best value of the early-stopping metric so far.
        best_step: Step of the best weights.
        waited: Evaluations since the best value.
        tokens: Tokens read so far.
        seconds: Seconds spent so far, over all starts of the run.
        joules: Energy that the processor took meanwhile; 0 where it cannot be read.
        finished: Whether training ended, by its epochs or by early stopping.
        at_once: Largest rows × longest row that memory holds in one go; None as long as nothing was too large.
        history: One row of figures for each evaluation.
    """

    step: int = 0
    best: float | None = None
    best_step: int = 0
    waited: int = 0
    tokens: int = 0
    seconds: float = 0.0
    joules: float = 0.0
    finished: bool = False
    at_once: int | None = None
    history: list[dict[str, float]] = field(default_factory=list)


def save(
    folder: Path,
    identity: str,
    progress: Progress,
    model: TextModel,
    optimizer: torch.optim.Optimizer,
    average: AveragedWeights,
) -> None:
    """Write the state of a run as one file, atomically.

    Args:
        folder: The run's folder.
        identity: Hash of recipe, data and base; a checkpoint of another identity is not resumed.
        progress: Where the run stands.
        model: Its moving weights are saved.
        optimizer: Its state is saved.
        average: It is saved.

    Raises:
        StorageError: If the disk is full; the former checkpoint then stays.
    """
    tensors = {f"model.{name}": weight.contiguous() for name, weight in model.trained_state().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{k}": v.contiguous() for k, v in state.items() if isinstance(v, Tensor)}
    tensors |= {f"average.{number}": weight.contiguous() for number, weight in average.state().items()}
    tensors |= random_state()
    metadata = {"identity": identity, "progress": json.dumps(asdict(progress))}
    with atomic_file(folder / CHECKPOINT) as temporary:
        save_file(tensors, temporary, metadata=metadata)


def exists(folder: Path) -> bool:
    """Say whether a folder holds a checkpoint."""
    return (folder / CHECKPOINT).exists()


def load(
    folder: Path, identity: str, model: TextModel, optimizer: torch.optim.Optimizer, average: AveragedWeights
) -> Progress | None:
    """Put a run back to its last checkpoint.

    Args:
        folder: The run's folder.
        identity: What the run's recipe, data and base hash to now.
        model: Receives the weights.
        optimizer: Receives its state.
        average: Receives its state.

    Returns:
        Where the run stands, or None where there is no checkpoint.

    Raises:
        TrainingError: If the checkpoint belongs to another recipe, other data or another base.
    """
    path = folder / CHECKPOINT
    if not exists(folder):
        return None
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        if metadata["identity"] != identity:
            raise TrainingError(
                Remark(
                    f"The checkpoint in {folder} belongs to another recipe, other data, or another base.",
                    f"{folder} 中的检查点属于另一个配方、另一份数据或另一个基座。",
                ),
                Remark("Run without --resume to start afresh.", "请去掉 --resume，从头开始训练。"),
            )
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    model.load_trained_state(_under(tensors, "model."))
    state: dict[int, dict[str, Any]] = {}
    for name, tensor in _under(tensors, "optimizer.").items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    average.load(_under(tensors, "average."))
    set_random_state(tensors)
    return Progress(**json.loads(metadata["progress"]))


def save_best(folder: Path, step: int, model: TextModel) -> None:
    """Keep the weights of a step as the best so far; those of earlier steps stay until `forget_best`."""
    with atomic_file(_best(folder, step)) as temporary:
        save_file({name: weight.contiguous() for name, weight in model.trained_state().items()}, temporary)


def load_best(folder: Path, step: int, model: TextModel) -> None:
    """Put the best weights back into the model."""
    with safe_open(_best(folder, step), framework="pt") as file:
        model.load_trained_state({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118


def forget_best(folder: Path, keep: int | None = None) -> None:
    """Remove best weights that no checkpoint names any more, all but those of step `keep`."""
    for path in folder.glob("best-*.safetensors"):
        if keep is None or path != _best(folder, keep):
            path.unlink()


def forget(folder: Path) -> None:
    """Remove checkpoint and best weights, so that a run starts afresh."""
    (folder / CHECKPOINT).unlink(missing_ok=True)
    forget_best(folder)


def _best(folder: Path, step: int) -> Path:
    return folder / f"best-{step:09d}.safetensors"


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
