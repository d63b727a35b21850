"""The base stands still, or all but its top layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.core.settings import setting
from feilun.models.adaptations.adaptation import Adaptation

if TYPE_CHECKING:
    from torch import nn

    from feilun.models.bases.base import Base


@dataclass(frozen=True)
class Frozen(Adaptation):
    """The head learns, and with `layers` the top layers of the base."""

    layers: int = setting(0, Remark("how many of the top layers move", "最上面几层变化"), minimum=0)
    gradual: bool = setting(
        False,
        Remark(
            "those layers begin one after another, from the top, over the first half of the run",
            "这些层在前半程自上而下逐个开始变化",
        ),
    )

    def contradictions(self) -> list[str]:
        """Say which settings exclude each other."""
        if self.gradual and not self.layers:
            return [
                Remark(
                    "model.adaptation.gradual needs model.adaptation.layers: how many layers begin to move in turn.",
                    "model.adaptation.gradual 需要 model.adaptation.layers：依次解冻多少层。",
                )
            ]
        return []

    def apply(self, base: Base) -> None:
        """Say which of the base's weights may move.

        Raises:
            UsageError: If the base has fewer layers.
        """
        layers = base.layers
        if self.layers > len(layers):
            raise UsageError(
                Remark(
                    f"model.adaptation.layers is {self.layers}, but {base.name} has {len(layers)} layers.",
                    f"model.adaptation.layers 是 {self.layers}，但 {base.name} 只有 {len(layers)} 层。",
                ),
                Remark(
                    f"Set model.adaptation.layers to at most {len(layers)}, or model.adaptation.kind to full.",
                    f"请把 model.adaptation.layers 设为不超过 {len(layers)}，或把 model.adaptation.kind 设为 full。",
                ),
            )
        base.model.requires_grad_(False)
        for layer in self._top(base):
            layer.requires_grad_(True)

    def before_step(self, base: Base, step: int, total: int) -> None:
        """Let the layers move whose turn it is (gradual unfreezing, Howard and Ruder 2018, section 3.3)."""
        if self.gradual:
            awake = min(self.layers, 1 + 2 * self.layers * step // total)
            for number, layer in enumerate(reversed(self._top(base))):
                layer.requires_grad_(number < awake)

    def _top(self, base: Base) -> list[nn.Module]:
        return list(base.layers)[len(base.layers) - self.layers :]
