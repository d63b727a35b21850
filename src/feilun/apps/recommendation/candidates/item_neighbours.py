"""Items that the same users took: cosine between columns, shrunk, the nearest kept (Sarwar et al. 2001)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from scipy import sparse

from feilun.apps.recommendation.candidates.scoring import Scores
from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.interactions import History, Interactions
from feilun.apps.recommendation.records.sparse_rows import total_of

STRIP = 2000
"""Items whose neighbours are computed at once; bounds the memory."""

MOST_OF_USER = 1000
"""Strongest items of a user that are compared with each other: pairs grow with their square, and who took everything
says of none that it goes with another."""


@dataclass
class ItemNeighbours:
    """Each item keeps its nearest; a user's score is the sum over what was taken.

    Args:
        neighbours: How many are kept of each item.
        shrinkage: Added to the denominator, so that few common users say little.
        similar: The similarities kept, shape (items, items).
    """

    neighbours: int = 60
    shrinkage: float = 20.0
    similar: sparse.csr_matrix = field(default_factory=lambda: sparse.csr_matrix((0, 0), dtype=np.float32))

    def fit(self, interactions: Interactions, catalogue: Catalogue, now: float) -> Self:
        """Compare all items that anybody took."""
        taken = interactions.matrix(MOST_OF_USER)
        taken.data[:] = 1
        columns = taken.T.tocsr()
        sizes = np.sqrt(np.asarray(taken.sum(0)).ravel())
        strips = []
        for start in range(0, columns.shape[0], STRIP):
            common = (columns[start : start + STRIP] @ taken).tocsr()
            strips.append(self._nearest(common, start, sizes))
        self.similar = sparse.vstack(strips, format="csr") if strips else self.similar
        return self

    def scores(self, history: History) -> Scores:
        """Return the summed similarity to what was taken."""
        history = history.within(self.similar.shape[0])
        return total_of(self.similar, history.items, history.weights).astype(np.float32)

    def _nearest(self, common: sparse.csr_matrix, start: int, sizes: Scores) -> sparse.csr_matrix:
        rows = np.repeat(np.arange(common.shape[0]), np.diff(common.indptr))
        columns = common.indices
        values = common.data / (sizes[rows + start] * sizes[columns] + self.shrinkage)
        values[columns == rows + start] = 0
        order = np.lexsort((columns, -values, rows))
        place = np.arange(len(order)) - common.indptr[rows[order]]
        kept = order[(place < self.neighbours) & (values[order] > 0)]
        cells = (values[kept].astype(np.float32), (rows[kept], columns[kept]))
        return sparse.csr_matrix(cells, shape=common.shape)
