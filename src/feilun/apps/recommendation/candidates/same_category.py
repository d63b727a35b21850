"""What is popular in the categories that the user likes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from scipy import sparse

from feilun.apps.recommendation.candidates.scoring import Scores
from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.interactions import History, Interactions
from feilun.apps.recommendation.records.sparse_rows import total_of


@dataclass
class SameCategory:
    """Share of the history in an item's categories, times the item's standing there.

    Args:
        member: Which item is in which category, shape (items, categories).
        items_of: The same by category, shape (categories, items).
        standing: Of each item, shape (items,).
    """

    member: sparse.csr_matrix = field(default_factory=lambda: sparse.csr_matrix((0, 1), dtype=np.float32))
    items_of: sparse.csr_matrix = field(default_factory=lambda: sparse.csr_matrix((1, 0), dtype=np.float32))
    standing: Scores = field(default_factory=lambda: np.zeros(0, np.float32))

    def fit(self, interactions: Interactions, catalogue: Catalogue, now: float) -> Self:
        """Count."""
        self.member = catalogue.category_matrix()
        self.items_of = self.member.T.tocsr()
        self.standing = np.log1p(interactions.popularity()).astype(np.float32) + 0.1
        return self

    again = fit
    """Further items are taken in as at first."""

    def scores(self, history: History) -> Scores:
        """Return the scores; nothing without a history."""
        if not len(history):
            return np.zeros(len(self.standing), np.float32)
        liked = total_of(self.member, history.items, history.shares())  # (categories,)
        some = np.flatnonzero(liked)
        share = total_of(self.items_of, some, liked[some])
        found: Scores = share.astype(np.float32) * self.standing
        return found
