"""Rows as tables and requests hold them, by column, and the corpus that they become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from feilun.core.corpus import Corpus
from feilun.core.errors import UsageError, nearest
from feilun.core.features import verbalised
from feilun.core.remark import Remark, said_in


@dataclass(frozen=True)
class RowColumns:
    """Which columns of a row a model reads, and as what.

    Args:
        text: The column of the text; empty where the model reads features alone.
        pair: The column of the second text, where it reads two.
        features: The columns of features.
        verbalise: Whether these are written into the text.
    """

    text: str = "text"
    pair: str | None = None
    features: tuple[str, ...] = ()
    verbalise: bool = False

    @classmethod
    def from_table(cls, data: Mapping[str, Any]) -> Self:
        """Read the table `[data]` of a recipe, as a bundle's manifest holds it."""
        pair = data.get("pair")
        return cls(
            str(data.get("text", "text")),
            None if pair is None else str(pair),
            tuple(map(str, data.get("features", ()))),
            bool(data.get("verbalise", False)),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Return the columns that are read."""
        return tuple(name for name in (self.text, self.pair or "", *self.features) if name)

    @property
    def reads_features(self) -> bool:
        """Return whether features reach the model as such, not as text."""
        return bool(self.features) and not self.verbalise

    def check(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Refuse rows with columns missing or unknown, or with a text that is none.

        Raises:
            UsageError: Naming the row and the column.
        """
        for number, row in enumerate(rows):
            for name in self.names:
                if name not in row:
                    names = list(map(repr, self.names))
                    raise UsageError(
                        Remark(f"Row {number} lacks the column {name!r}.", f"第 {number} 行缺少列 {name!r}。"),
                        Remark(
                            f"Give {', '.join(names)}; null where a value is not known.",
                            f"请给出 {'、'.join(names)}；未知的值写 null。",
                        ),
                    )
            for name in row:
                if name not in self.names:
                    hint = nearest(name, self.names)
                    raise UsageError(
                        Remark(
                            f"Row {number} has the column {name!r}, which this model does not read. {hint}",
                            f"第 {number} 行的列 {name!r} 是模型不读的。{said_in('zh', hint)}",
                        )
                    )
            for name in filter(None, (self.text, self.pair)):
                if not isinstance(row[name], str | None):
                    raise UsageError(
                        Remark(
                            f"Row {number}: the column {name!r} is a text, and {row[name]!r} is none.",
                            f"第 {number} 行：列 {name!r} 应是文本，而 {row[name]!r} 不是。",
                        )
                    )

    def told(self, text: str, cells: Mapping[str, Any] | None) -> str:
        """Return a text as the model reads it: with the columns before it, where they are written into it.

        Args:
            text: The row's own.
            cells: The columns by name; None or empty where the text came alone.
        """
        if not self.verbalise or not cells:
            return text
        return verbalised(self.features, [cells.get(name) for name in self.features], text)

    def corpus(self, rows: Sequence[Mapping[str, Any]]) -> Corpus:
        """Return rows that have all columns as a corpus; a missing text is an empty one."""
        texts = [str(row[self.text] or "") if self.text else "" for row in rows]
        return Corpus(
            id=[str(i) for i in range(len(rows))],
            text=[self.told(text, row) for row, text in zip(rows, texts, strict=True)],
            pair=None if self.pair is None else [str(row[self.pair] or "") for row in rows],
            features={name: [row[name] for row in rows] for name in self.features} if self.reads_features else {},
        )
