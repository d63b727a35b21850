"""Vectors found by their cosine, in memory: exactly, by one matrix product, while they are few; by HNSW above."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.errors import MissingExtra, UsageError
from feilun.core.remark import Remark

EXACT_BELOW = 20_000
"""Number of vectors up to which each is compared: below it that takes a few milliseconds, and misses nothing."""

FIRST_ROWS = 256
"""Rows of the first matrix; each further one is twice as large."""


class VectorIndex:
    """Numbered vectors, found by a vector; safe to share between threads.

    The graph of many vectors is that of Malkov, Yashunin 2018 (HNSW) with usearch's defaults, in half precision; it
    proposes, and the cosines of what it proposes are exact.

    Args:
        width: Numbers of each vector.
        exact_below: Number of vectors up to which there is no graph.

    Raises:
        MissingExtra: If usearch is not installed.
    """

    def __init__(self, width: int, exact_below: int = EXACT_BELOW) -> None:
        try:
            from usearch.index import Index
        except ImportError as error:
            raise MissingExtra("usearch", "knowledge", Remark("Searching by meaning", "按语义检索")) from error
        self.width = width
        self.exact_below = exact_below
        self._rows = np.empty((FIRST_ROWS, width), np.float32)  # of length 1
        self._numbers: list[int | None] = []  # whose each row is; None: nobody's
        self._place: dict[int, int] = {}
        self._free: list[int] = []
        self._new_graph = Index
        self._graph: Any = None
        self._turn = Lock()  # usearch's graph may not be searched while vectors leave it

    def __len__(self) -> int:
        return len(self._place)

    def change(self, added: Mapping[int, NDArray[np.float32]], removed: Collection[int] = ()) -> None:
        """Take vectors out and put vectors in; once this returns every search sees it.

        Args:
            added: Each new vector by its number, which none before it had, shape (width,).
            removed: Numbers of vectors to take out; unknown ones are passed over.

        Raises:
            UsageError: If a vector is of another width, or holds what is no finite number; nothing is changed.
        """
        for number, vector in added.items():
            if vector.shape != (self.width,) or not np.isfinite(vector).all():
                raise UsageError(
                    Remark(
                        f"Vector {number} has the shape {vector.shape}, or holds what is no finite number.",
                        f"第 {number} 个向量的形状为 {vector.shape}，或含有非有限数。",
                    ),
                    Remark(
                        f"The index takes {self.width} finite numbers: vectors of one model.",
                        f"索引只接受 {self.width} 个有限数：须是同一模型的向量。",
                    ),
                )
        with self._turn:
            held = [number for number in removed if number in self._place]
            self._take_out(held)
            if added:
                self._put_in(list(added), _unit(np.stack(list(added.values()))))
            self._change_graph(list(added), held)

    def search(
        self, vector: NDArray[np.float32], limit: int, allowed: Collection[int] | None = None
    ) -> list[tuple[int, float]]:
        """Return the nearest vectors, nearest first.

        Args:
            vector: Shape (width,).
            limit: Most vectors returned.
            allowed: Numbers of the vectors that may be found; None allows all.

        Returns:
            Numbers with their cosines, -1 to 1.

        Raises:
            UsageError: If the vector is of another width.
        """
        if vector.shape != (self.width,):
            raise UsageError(
                Remark(f"A vector of the shape {vector.shape} was asked for.", f"查询的向量形状为 {vector.shape}。"),
                Remark(f"The index holds vectors of {self.width}.", f"索引里的向量为 {self.width} 维。"),
            )
        if allowed is None:
            with self._turn:
                found = self._nearest(_unit(vector), limit)
        else:
            found = list(self.cosines(vector, allowed).items())
        return sorted(found, key=lambda item: -item[1])[: max(limit, 0)]

    def cosines(self, vector: NDArray[np.float32], numbers: Collection[int]) -> dict[int, float]:
        """Return the exact cosine of a vector with each of some; numbers that are unknown are left out."""
        with self._turn:
            held = [number for number in numbers if number in self._place]
            cosines = self._rows[[self._place[number] for number in held]] @ _unit(vector)
        return dict(zip(held, cosines.tolist(), strict=True))

    def _nearest(self, vector: NDArray[np.float32], limit: int) -> list[tuple[int, float]]:
        """Return the nearest vectors in any order."""
        if not self._place or limit < 1:
            return []
        if self._graph is not None:
            numbers = self._graph.search(vector, limit).keys.tolist()
            cosines = self._rows[[self._place[number] for number in numbers]] @ vector
            return list(zip(numbers, cosines.tolist(), strict=True))
        cosines = self._rows[: len(self._numbers)] @ vector
        cosines[self._free] = -np.inf
        best = np.argpartition(-cosines, limit - 1)[:limit] if limit < len(cosines) else np.arange(len(cosines))
        owners = ((self._numbers[row], float(cosines[row])) for row in best.tolist())
        return [(number, cosine) for number, cosine in owners if number is not None]

    def _take_out(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            row = self._place.pop(number)
            self._numbers[row] = None
            self._free.append(row)

    def _put_in(self, numbers: Sequence[int], vectors: NDArray[np.float32]) -> None:
        new = max(0, len(numbers) - len(self._free))
        rows = [self._free.pop() for _ in range(len(numbers) - new)]
        rows += range(len(self._numbers), len(self._numbers) + new)
        self._numbers += [None] * new
        if len(self._numbers) > len(self._rows):
            grown = np.empty((max(len(self._numbers), 2 * len(self._rows)), self.width), np.float32)
            grown[: len(self._rows)] = self._rows
            self._rows = grown
        self._rows[rows] = vectors
        for number, row in zip(numbers, rows, strict=True):
            self._numbers[row] = number
            self._place[number] = row

    def _change_graph(self, added: Sequence[int], removed: Sequence[int]) -> None:
        """Bring the graph to what is known; it is made when the vectors become many."""
        if self._graph is None:
            if len(self._place) <= self.exact_below:
                return
            self._graph = self._new_graph(ndim=self.width, metric="cos", dtype="f16")
            added = list(self._place)
        elif removed:
            self._graph.remove(np.array(removed, np.uint64))
        if added:
            self._graph.add(np.array(added, np.uint64), self._rows[[self._place[number] for number in added]])


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors of length 1; those of length 0 as they are."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: NDArray[np.float32] = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32, copy=False)
    return unit
