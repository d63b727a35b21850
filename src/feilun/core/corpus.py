"""A table of texts, held as columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any


@dataclass(frozen=True)
class Corpus:
    """Texts and what is known of them, as columns of equal length.

    Args:
        id: Names each row; unique within a corpus.
        text: The text of each row.
        pair: A second text (item, answer, premise), where the task reads two.
        target: What is to be predicted (for `classify` a label name); None where nothing is known.
        features: Named further columns, numeric or categorical, kept for models and for slices.
        group: Rows of one group never stand in two sets.
        time: When each row happened, as ISO 8601 text.
        media: Paths of images or sounds.

    Raises:
        ValueError: If two columns differ in length.
    """

    id: Sequence[str]
    text: Sequence[str]
    pair: Sequence[str] | None = None
    target: Sequence[Any] | None = None
    features: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    group: Sequence[str] | None = None
    time: Sequence[str] | None = None
    media: Sequence[str] | None = None

    def __post_init__(self) -> None:
        for name, column in self._columns():
            if len(column) != len(self.id):
                raise ValueError(f"column {name!r} has {len(column)} values, 'id' has {len(self.id)}")

    def __len__(self) -> int:
        return len(self.id)

    def select(self, indices: Sequence[int]) -> Corpus:
        """Return the rows at `indices`, in that order."""
        picked = {name: [column[i] for i in indices] for name, column in self._columns() if name in _PLAIN}
        features = {name: [column[i] for i in indices] for name, column in self.features.items()}
        return replace(self, features=features, **picked)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield each row as a dictionary of the columns that there are."""
        columns = list(self._columns())
        for i in range(len(self)):
            yield {name: column[i] for name, column in columns}

    def _columns(self) -> Iterator[tuple[str, Sequence[Any]]]:
        for name in _PLAIN:
            column = getattr(self, name)
            if column is not None:
                yield name, column
        yield from self.features.items()


_PLAIN = tuple(f.name for f in fields(Corpus) if f.name != "features")


def corpus_of(texts: Sequence[str], target: Sequence[Any] | None = None) -> Corpus:
    """Wrap bare texts as a corpus whose ids are the row numbers from 0.

    Args:
        texts: The texts.
        target: Their targets, where known.

    Returns:
        The corpus.
    """
    return Corpus(id=[str(i) for i in range(len(texts))], text=list(texts), target=target)
