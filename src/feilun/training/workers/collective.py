"""What the processes of a training tell each other in bulk: weights and gradients, each as one flat bucket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, nn

from feilun.models.text_model import TextModel

LOOPBACK = "127.0.0.1"

LONGEST_WAIT = timedelta(minutes=5)
"""How long one waits for another that neither answers nor ends."""


@dataclass(frozen=True)
class Seat:
    """The place of a process among those of a training.

    Args:
        rank: Its number; 0 is the process that the user started.
        size: How many there are.
        meeting: File by which they find each other.
    """

    rank: int
    size: int
    meeting: Path


class Collective:
    """The processes of a training as one: gloo over the loopback interface, on GPUs NCCL.

    Args:
        seat: The place of this process.
        device: Where the buckets are.
    """

    def __init__(self, seat: Seat, device: torch.device) -> None:
        store = distributed.FileStore(  # type: ignore[attr-defined]
            str(seat.meeting), seat.size
        )
        self.group = _nccl(store, seat) if device.type == "cuda" else _gloo(store, seat)

    def spread(self, bucket: Tensor) -> None:
        """Copy what process 0 has to all others."""
        self.group.broadcast(bucket, 0).wait()

    def sum(self, bucket: Tensor) -> None:
        """Add up what all have; all get the same sum."""
        self.group.allreduce([bucket]).wait()


def _gloo(store: Any, seat: Seat) -> Any:
    """Return a group that no other machine can speak to."""
    options: Any = distributed.ProcessGroupGloo._Options()  # type: ignore[attr-defined]
    options._devices = [distributed.ProcessGroupGloo.create_device(hostname=LOOPBACK)]
    options._timeout = LONGEST_WAIT
    return distributed.ProcessGroupGloo(store, seat.rank, seat.size, options)


def _nccl(store: Any, seat: Seat) -> Any:
    options: Any = distributed.ProcessGroupNCCL.Options()
    options._timeout = LONGEST_WAIT
    return distributed.ProcessGroupNCCL(store, seat.rank, seat.size, options)


def moving_weights(model: TextModel) -> list[nn.Parameter]:
    """Return the weights that may ever move, in the same order in each process."""
    return [model.get_parameter(name) for name in model.moving]


def bucket_of(weights: Sequence[nn.Parameter]) -> tuple[Tensor, list[Tensor]]:
    """Return one flat bucket of zeros, and the parts of it that have the shapes of the weights."""
    flat = torch.zeros(sum(weight.numel() for weight in weights), device=weights[0].device)
    parts = torch.split(flat, [weight.numel() for weight in weights])
    return flat, [part.view(weight.shape) for part, weight in zip(parts, weights, strict=True)]
