"""Vectors near a query, looked for among the groups that stand nearest to it (IVF, Jégou et al. 2011)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.candidates.scoring import Scores

SAMPLE, SWEEPS = 20_000, 6
"""Vectors on which the centres are learned, and how often."""

PROBED = 1 / 12
"""Share of the groups that are looked at; what it finds of the best hundred stands in docs/benchmarks.md."""

STRIP = 10_000


class InvertedLists:
    """Vectors in groups around centres (k-means), each group side by side in memory, as `items` numbers them.

    Args:
        vectors: Shape (items, width).
        seed: Of the first centres.
    """

    def __init__(self, vectors: Scores, seed: int = 13) -> None:
        self.centres = _centres(vectors, max(1, round(1.25 * len(vectors) ** 0.5)), np.random.default_rng(seed))
        strips = [vectors[start : start + STRIP] for start in range(0, len(vectors), STRIP)]
        group = np.concatenate([_nearest(strip, self.centres) for strip in strips])
        self.items = np.argsort(group, kind="stable")
        self._starts = np.searchsorted(group[self.items], np.arange(len(self.centres) + 1))
        self.vectors = np.ascontiguousarray(vectors[self.items])
        self._place = np.empty(len(vectors), np.int64)
        self._place[self.items] = np.arange(len(vectors))

    def __len__(self) -> int:
        return len(self.items)

    def leave_out(self, items: NDArray[np.int64]) -> None:
        """Find some items no more; their products are 0."""
        self.vectors[self._place[items]] = 0

    def near(self, nearness: Scores) -> tuple[NDArray[np.int64], list[slice]]:
        """Return the items of the groups that stand nearest, and where in `vectors` each group lies.

        Args:
            nearness: Of each group, the nearest highest, shape (groups,).
        """
        probed = max(1, round(PROBED * len(self.centres)))
        groups = np.argpartition(-nearness, probed - 1)[:probed]
        parts = [slice(self._starts[group], self._starts[group + 1]) for group in groups.tolist()]
        return np.concatenate([self.items[part] for part in parts]), parts


def _centres(vectors: Scores, count: int, source: np.random.Generator) -> Scores:
    some = vectors[source.permutation(len(vectors))[:SAMPLE]]
    centres = some[:count].copy()
    for _ in range(SWEEPS):
        group = _nearest(some, centres)
        sizes, sums = np.bincount(group, minlength=len(centres)), np.zeros_like(centres)
        np.add.at(sums, group, some)
        centres[sizes > 0] = sums[sizes > 0] / sizes[sizes > 0, None]
    return centres


def _nearest(vectors: Scores, centres: Scores) -> NDArray[np.int64]:
    """Return the nearest centre of each vector, shape (vectors,)."""
    return np.asarray((vectors @ centres.T - 0.5 * (centres**2).sum(1)).argmax(1), dtype=np.int64)
