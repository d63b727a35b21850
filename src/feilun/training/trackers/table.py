"""Where a run's figures go beside its own folder, by the name that a recipe gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from feilun.core.ports import Tracker
from feilun.training.trackers.tensorboard import TensorBoard
from feilun.training.trackers.wandb import WeightsAndBiases

TrackerName = Literal["tensorboard", "wandb"]

TRACKERS: Mapping[str, type[TensorBoard] | type[WeightsAndBiases]] = {
    "tensorboard": TensorBoard,
    "wandb": WeightsAndBiases,
}


class RunTracker(Tracker, Protocol):
    """A tracker of one run from its start to its end."""

    def clear(self) -> None:
        """Forget the figures of a former start of the run."""
        ...

    def close(self) -> None:
        """Write what is waiting."""
        ...


def check_trackers(names: Sequence[str]) -> None:
    """Refuse trackers that cannot work here, before any work is done.

    Raises:
        MissingExtra: If a package is not installed.
        UsageError: If nobody is logged in where a tracker sends.
    """
    for name in names:
        TRACKERS[name].check()


class Together:
    """Several trackers as one.

    Args:
        trackers: They.
    """

    def __init__(self, trackers: Sequence[RunTracker]) -> None:
        self.trackers = trackers

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Record named figures at an optimiser step."""
        for tracker in self.trackers:
            tracker.log(step, figures)

    def note(self, **facts: Any) -> None:
        """Record facts of the run."""
        for tracker in self.trackers:
            tracker.note(**facts)

    def clear(self) -> None:
        """Forget the figures of a former start of the run."""
        for tracker in self.trackers:
            tracker.clear()

    def close(self) -> None:
        """Write what is waiting."""
        for tracker in self.trackers:
            tracker.close()


def trackers_of(folder: Path, own: RunTracker, names: Sequence[str]) -> Together:
    """Return the run's own tracker together with those that a recipe names."""
    return Together([own, *(TRACKERS[name](folder) for name in names)])
