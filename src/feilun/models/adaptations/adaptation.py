"""What every adaptation can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from feilun.models.bases.base import Base


class Adaptation:
    """How the base's weights may move; its dataclass is its own settings table.

    What changes while a model trains stands in the base's modules, as weights and buffers, so that a checkpoint holds
    it; the adaptation itself is nothing but its settings.
    """

    pace: ClassVar[float] = 1.0
    """Learning rate that suits, as a multiple of the one for a base whose every weight moves."""

    searched: ClassVar[Mapping[str, tuple[int, ...]]] = {}
    """What a search varies where a recipe declares nothing: values by key."""

    def apply(self, base: Base) -> None:
        """Put in what is added to the base, and say by `requires_grad` which weights will ever move.

        Raises:
            UsageError: If the base has not what the settings name.
        """
        raise NotImplementedError

    def before_step(self, base: Base, step: int, total: int) -> None:
        """Get the base ready for an optimiser step; depends on the step alone, so that a run can be resumed.

        Args:
            base: The base.
            step: Steps done, from 0.
            total: Steps of the whole run.

        Raises:
            UsageError: If the run is too short for the settings.
        """

    def after_step(self, base: Base, step: int, total: int) -> Mapping[str, float]:
        """Do what follows an optimiser step, while its gradients are still there.

        Args:
            base: The base.
            step: Steps done, from 1.
            total: Steps of the whole run.

        Returns:
            Figures for the run's log; none at most steps.
        """
        return {}

    def constrain(self, base: Base) -> None:
        """Give the weights what they must be, also after they were averaged: pruned ones are zero, say."""

    def fold(self, base: Base) -> None:
        """Merge what was added into the base's own weights, as far as it can be; the states stay the same."""
