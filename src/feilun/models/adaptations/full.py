"""Every weight of the base may move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from feilun.core.remark import Remark
from feilun.core.settings import setting
from feilun.models.adaptations.adaptation import Adaptation

if TYPE_CHECKING:
    from feilun.models.bases.base import Base


@dataclass(frozen=True)
class Full(Adaptation):
    """Every weight moves; word embeddings only where asked for.

    A short fine-tuning meets few of the words, so updating the whole table costs time and memory and gains nothing
    measurable (docs/benchmarks.md, "Word embeddings").
    """

    word_embeddings: bool = setting(False, Remark("also update the word embeddings", "词嵌入也更新"))

    def apply(self, base: Base) -> None:
        """Say which of the base's weights may move."""
        base.model.requires_grad_(True)
        words: Any = base.model.get_input_embeddings()  # type: ignore[operator]
        words.weight.requires_grad_(self.word_embeddings)
