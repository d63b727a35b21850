"""The learning rate over a run."""

from __future__ import annotations

import math
from typing import Literal

Schedule = Literal["linear", "cosine", "constant"]


def rising_steps(total: int, warmup: float) -> int:
    """Return the steps of a run in which the rate rises; args are those of `rate`."""
    return math.ceil(warmup * total)


def rate(schedule: Schedule, step: int, total: int, warmup: float) -> float:
    """Return the share of the full learning rate at a step.

    Args:
        schedule: linear or cosine decay to zero, or constant.
        step: Steps done, from 0.
        total: Steps of the whole run.
        warmup: Share of the run in which the rate rises linearly.

    Returns:
        A factor from 0 to 1; above 0 at every step of the run.
    """
    rising = rising_steps(total, warmup)
    if step < rising:
        return (step + 1) / (rising + 1)
    if schedule == "constant":
        return 1.0
    left = max(0.0, (total - step) / max(1, total - rising))
    return left if schedule == "linear" else 0.5 * (1 - math.cos(math.pi * left))
