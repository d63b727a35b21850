"""The items that can be recommended, as columns, with the vectors of their texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from feilun.apps.recommendation.interest.reader import HistoryReader
from feilun.apps.recommendation.records.events import Item
from feilun.core.corpus import corpus_of
from feilun.core.errors import DataError, UsageError, nearest
from feilun.core.ports import Embedder
from feilun.core.remark import Remark

Vectors = NDArray[np.float32]

MOST_COMPARED = 2000
"""Items among whose names a like one is looked for where one is not known."""


@dataclass(frozen=True)
class Catalogue:
    """Items by number.

    Args:
        items: The items.
        index: Numbers by id.
        vectors: Unit vectors of the texts, zero where an item has none, shape (items, width).
        categories: Of each item, the numbers of its categories.
        names: Category names by number.
        reader: Reads histories as the vectors' model reads texts, where it is an interest model.
    """

    items: Sequence[Item]
    index: dict[str, int]
    vectors: Vectors
    categories: Sequence[tuple[int, ...]]
    names: Sequence[str]
    reader: HistoryReader | None = None

    def __len__(self) -> int:
        return len(self.items)

    def number(self, item: str) -> int:
        """Return an item's number.

        Raises:
            UsageError: If there is no such item.
        """
        if item not in self.index:
            close = nearest(item, self.index) if len(self.index) <= MOST_COMPARED else Remark("", "")
            raise UsageError(
                Remark(
                    f"There is no item {item!r} in the catalogue of {len(self.index):,}.",
                    f"目录共 {len(self.index):,} 个商品，其中没有 {item!r}。",
                ),
                Remark(close[:300], close.chinese[:300]),
            )
        return self.index[item]

    @property
    def shown(self) -> NDArray[np.bool_]:
        """Return which items may be shown: neither withdrawn nor sold out; shape (items,)."""
        return np.array([not item.hidden and (item.stock is None or item.stock > 0) for item in self.items], dtype=bool)

    @property
    def published(self) -> NDArray[np.float64]:
        """Return when each item came or comes, seconds since 1970, NaN where unknown, shape (items,)."""
        return np.array([np.nan if item.published is None else item.published for item in self.items])

    def category_matrix(self) -> sparse.csr_matrix:
        """Return which item is in which category, 1 or nothing, shape (items, categories)."""
        counts = np.fromiter((len(own) for own in self.categories), np.int64, len(self.items))
        starts = np.concatenate([[0], np.cumsum(counts)])
        columns = np.fromiter(chain.from_iterable(self.categories), np.int64, int(starts[-1]))
        ones = np.ones(len(columns), np.float32)
        return sparse.csr_matrix((ones, columns, starts), shape=(len(self.items), max(1, len(self.names))))

    def forget_histories(self) -> None:
        """Keep no vector of any history that was read."""
        if self.reader is not None:
            self.reader.forget()

    def creators(self) -> NDArray[np.int64]:
        """Return the number of each item's creator, by name, -1 for none, shape (items,)."""
        number = {name: i for i, name in enumerate(sorted({item.creator for item in self.items if item.creator}))}
        return np.fromiter((number.get(item.creator, -1) for item in self.items), np.int64, len(self.items))


def build_catalogue(items: Sequence[Item], embedder: Embedder, reader: HistoryReader | None = None) -> Catalogue:
    """Read the items' texts and lay them out.

    Args:
        items: In any order; of two with one id the later counts.
        embedder: Reads the texts.
        reader: Reads histories, where the embedder is an interest model.

    Returns:
        The catalogue.

    Raises:
        DataError: If there is no item.
    """
    kept = list({item.id: item for item in items}.values())
    if not kept:
        raise DataError(
            Remark("The catalogue is empty: there is nothing to recommend.", "目录为空，没有可以推荐的商品。"),
            Remark(
                "Name a table of items in the application's file (items = ...), and import it: feilun recommendation "
                "train FILE.",
                "请在应用文件中写明商品表（items = ...），再导入：feilun recommendation train FILE。",
            ),
        )
    names, categories = _categories(kept)
    return Catalogue(
        kept,
        {item.id: i for i, item in enumerate(kept)},
        text_vectors([item.text for item in kept], embedder),
        categories,
        names,
        reader,
    )


def with_items(catalogue: Catalogue, items: Sequence[Item], vectors: NDArray[np.float32]) -> Catalogue:
    """Return a catalogue with items put into it; those that were there keep their numbers."""
    listed, index = list(catalogue.items), dict(catalogue.index)
    for item in items:
        place = index.setdefault(item.id, len(listed))
        listed[place : place + 1] = [item]
    rows = np.zeros((len(listed), catalogue.vectors.shape[1]), np.float32)
    rows[: len(catalogue)] = catalogue.vectors
    rows[[index[item.id] for item in items]] = vectors
    names, categories = _categories(listed)
    return Catalogue(listed, index, rows, categories, names, catalogue.reader)


def _categories(items: Sequence[Item]) -> tuple[list[str], list[tuple[int, ...]]]:
    """Return the names of all categories, and of each item the numbers of its own."""
    names = sorted({name for item in items for name in item.categories})
    number = {name: i for i, name in enumerate(names)}
    return names, [tuple(dict.fromkeys(number[name] for name in item.categories)) for item in items]


def text_vectors(texts: Sequence[str], embedder: Embedder) -> Vectors:
    """Return unit vectors of texts, each text read once; an empty text has the zero vector.

    Args:
        texts: The texts.
        embedder: Reads them.

    Returns:
        Shape (texts, width).
    """
    distinct = list(dict.fromkeys(text for text in texts if text))
    place = {text: i for i, text in enumerate(distinct)}
    read = np.asarray(embedder.embed(corpus_of(distinct or ["?"])), dtype=np.float32)
    lengths = np.linalg.norm(read, axis=1, keepdims=True)
    unit = np.divide(read, lengths, out=np.zeros_like(read), where=lengths > 0)
    found = np.zeros((len(texts), unit.shape[1]), np.float32)
    for row, text in enumerate(texts):
        if text:
            found[row] = unit[place[text]]
    return found
