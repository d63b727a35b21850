"""LoRA: each chosen weight gets an update of low rank (Hu et al. 2021, "LoRA: Low-Rank Adaptation")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from feilun.core.settings import setting
from feilun.models.adaptations.adaptation import Adaptation
from feilun.models.adaptations.low_rank import NAME, check_rank, find_targets, fold_low_rank

if TYPE_CHECKING:
    from feilun.models.bases.base import Base


@dataclass(frozen=True)
class LoRA(Adaptation):
    """The base stands still; the product of two small matrices is added to some of its weights."""

    pace: ClassVar[float] = 10.0
    searched: ClassVar[Mapping[str, tuple[int, ...]]] = {"rank": (4, 8, 16, 32)}

    rank: int = setting(8, "rank of the updates", minimum=1)
    alpha: int = setting(16, "an update is scaled by alpha / rank", minimum=1)
    dropout: float = setting(0.0, "dropout before an update; above 0 an encoder trains slower", minimum=0, below=1)
    targets: tuple[str, ...] = setting((), "linear layers that get one; none: query and value; all: every one")

    def apply(self, base: Base) -> None:
        """Put the updates in; they are zero at first.

        Raises:
            UsageError: If a target is no linear layer of the base, or the rank is above that of one.
        """
        from peft import LoraConfig, inject_adapter_in_model

        targets = find_targets(base, self.targets)
        check_rank(base, targets, "rank", self.rank)
        base.model.requires_grad_(False)
        config = LoraConfig(
            r=self.rank, lora_alpha=self.alpha, lora_dropout=self.dropout, target_modules=targets, bias="none"
        )
        inject_adapter_in_model(config, base.model, adapter_name=NAME)

    def fold(self, base: Base) -> None:
        """Add the updates to the weights that they belong to."""
        fold_low_rank(base.model)
