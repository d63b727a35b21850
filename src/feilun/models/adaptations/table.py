"""The adaptations by their name in a recipe; a new one is a file beside this and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from feilun.models.adaptations.frozen import Frozen
from feilun.models.adaptations.full import Full

if TYPE_CHECKING:
    from feilun.models.bases.base import Base


class Adaptation(Protocol):
    """How the base's weights may move; its dataclass is its own settings table."""

    def apply(self, base: Base) -> None:
        """Say which of the base's weights may move."""
        ...

    def fixed_layers(self, base: Base) -> int:
        """Return how many of the lowest layers never move, so that their output may be kept."""
        ...


ADAPTATIONS: dict[str, type] = {"full": Full, "frozen": Frozen}
