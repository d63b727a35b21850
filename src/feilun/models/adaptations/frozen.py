"""The base stands still, or all but its top layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from feilun.core.errors import UsageError
from feilun.core.settings import setting

if TYPE_CHECKING:
    from feilun.models.bases.base import Base


@dataclass(frozen=True)
class Frozen:
    """The head learns, and with `layers` the top layers of the base."""

    layers: int = setting(0, "how many of the top layers move", minimum=0)

    def apply(self, base: Base) -> None:
        """Say which of the base's weights may move.

        Raises:
            UsageError: If the base has fewer layers.
        """
        layers = base.layers
        if self.layers > len(layers):
            raise UsageError(
                f"model.adaptation.layers is {self.layers}, but {base.name} has {len(layers)} layers.",
                f"Set model.adaptation.layers to at most {len(layers)}, or model.adaptation.kind to full.",
            )
        base.model.requires_grad_(False)
        for layer in layers[len(layers) - self.layers :]:
            layer.requires_grad_(True)

    def fixed_layers(self, base: Base) -> int:
        """Return how many of the lowest layers never move, so that their output may be kept."""
        return len(base.layers) - self.layers
