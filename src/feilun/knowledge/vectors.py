"""Vectors found by their cosine, in memory, by usearch: exactly while they are few, by HNSW above."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from feilun.core.errors import MissingExtra, UsageError

EXACT_BELOW = 10_000
"""Number of vectors up to which each is compared: below it that takes about a millisecond, and misses nothing."""


class VectorIndex:
    """Numbered vectors, found by a vector; safe to share between threads.

    The graph is that of Malkov, Yashunin 2018 (HNSW) with usearch's defaults.

    Args:
        width: Numbers of each vector.

    Raises:
        MissingExtra: If usearch is not installed.
    """

    def __init__(self, width: int) -> None:
        try:
            from usearch.index import Index
        except ImportError as error:
            raise MissingExtra("usearch", "knowledge", "Searching by meaning") from error
        self.width = width
        self._index = Index(ndim=width, metric="cos", dtype="f32")
        self._turn = Lock()  # usearch's graph may not be searched while vectors leave it

    def __len__(self) -> int:
        return len(self._index)

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
                    f"Vector {number} has the shape {vector.shape}, or holds what is no finite number.",
                    f"The index takes {self.width} finite numbers: vectors of one model.",
                )
        with self._turn:
            held = [number for number in removed if number in self._index]
            if held:
                self._index.remove(np.array(held, np.uint64))
            if added:
                self._index.add(np.fromiter(added, np.uint64, len(added)), np.stack(list(added.values())))

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
                f"A vector of the shape {vector.shape} was asked for.", f"The index holds vectors of {self.width}."
            )
        if allowed is not None:
            scored = sorted(self.cosines(vector, allowed).items(), key=lambda item: -item[1])
            return scored[:limit]
        with self._turn:
            if not len(self._index) or limit < 1:
                return []
            found = self._index.search(vector, limit, exact=len(self._index) <= EXACT_BELOW)
        numbers, distances = found.keys.tolist(), found.distances.tolist()
        return [(number, 1 - distance) for number, distance in zip(numbers, distances, strict=True)]

    def cosines(self, vector: NDArray[np.float32], numbers: Collection[int]) -> dict[int, float]:
        """Return the exact cosine of a vector with each of some; numbers that are unknown are left out."""
        with self._turn:
            held = [number for number in numbers if number in self._index]
            others = self._index.get(np.array(held, np.uint64)) if held else np.empty((0, self.width), np.float32)
        lengths = np.linalg.norm(others, axis=1) * np.linalg.norm(vector)
        cosines = (others @ vector) / np.maximum(lengths, 1e-12)
        return dict(zip(held, cosines.tolist(), strict=True))
