"""What a process is given before it trains."""

from __future__ import annotations

import torch

from feilun.models.gradient_checkpointing import recompute_layers
from feilun.models.text_model import TextModel
from feilun.training.memory import keep_freed_memory
from feilun.training.settings import TrainingSettings


def settle(model: TextModel, settings: TrainingSettings) -> None:
    """Give a process the threads and the ways of memory that a run wants."""
    if settings.threads:
        torch.set_num_threads(settings.threads)
    keep_freed_memory()
    if settings.gradient_checkpointing:
        recompute_layers(model.base)
