"""The largest products of many vectors with one, exactly: the longest vectors are looked at first (LEMP, 2015)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.candidates.scoring import Scores

BLOCK = 4096
"""Vectors that are looked at together."""


class MaxInnerProduct:
    """Vectors in the order of their lengths; no product exceeds that of the lengths, so most need no look.

    Args:
        vectors: Shape (items, width).
    """

    def __init__(self, vectors: Scores) -> None:
        lengths = np.linalg.norm(vectors, axis=1)
        self._order = np.argsort(-lengths, kind="stable")
        self._vectors = np.ascontiguousarray(vectors[self._order])
        self._lengths = lengths[self._order]

    def best(self, query: Scores, allowed: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
        """Return the allowed items with the largest products above 0, best first, shape (at most count,).

        Args:
            query: Shape (width,).
            allowed: Shape (items,).
            count: Most items.
        """
        if count < 1:
            return np.zeros(0, np.int64)
        length = float(np.linalg.norm(query))
        items, products = np.zeros(0, np.int64), np.zeros(0, np.float32)
        for start in range(0, len(self._order), BLOCK):
            if len(items) == count and self._lengths[start] * length < products[-1]:
                break
            block = slice(start, start + BLOCK)
            found = self._vectors[block] @ query
            kept = np.flatnonzero(allowed[self._order[block]] & (found > 0))
            items = np.concatenate([items, self._order[block][kept]])
            products = np.concatenate([products, found[kept]])
            if len(items) > count:  # of many only those that may be among the best are worth sorting
                promising = products >= np.partition(products, -count)[-count]
                items, products = items[promising], products[promising]
            first = np.lexsort((items, -products))[:count]
            items, products = items[first], products[first]
        return items
