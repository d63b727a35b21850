"""LoRA: each chosen weight gets an update of low rank (Hu et al. 2021, "LoRA: Low-Rank Adaptation")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from feilun.core.remark import Remark
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

    rank: int = setting(8, Remark("rank of the updates", "更新的秩"), minimum=1)
    alpha: int = setting(16, Remark("an update is scaled by alpha / rank", "更新按 alpha / rank 缩放"), minimum=1)
    dropout: float = setting(
        0.0,
        Remark(
            "dropout before an update; above 0 an encoder trains slower", "更新之前的 dropout；大于 0 时编码器训练变慢"
        ),
        minimum=0,
        below=1,
    )
    targets: tuple[str, ...] = setting(
        (),
        Remark(
            "linear layers that get one; none: query and value; all: every one",
            "加在哪些线性层上；none：query 和 value；all：全部",
        ),
    )

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
