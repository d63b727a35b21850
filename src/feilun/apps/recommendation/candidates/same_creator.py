"""What is popular of the creators whose items the user took: authors, brands, shops."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.candidates.scoring import Scores
from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.interactions import History, Interactions


@dataclass
class SameCreator:
    """Share of the history that is the creator's, times the item's standing; items without a creator score nothing.

    Args:
        creator: Number of each item's creator, -1 for none, shape (items,).
        standing: Shape (items,).
    """

    creator: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    standing: Scores = field(default_factory=lambda: np.zeros(0, np.float32))

    def fit(self, interactions: Interactions, catalogue: Catalogue, now: float) -> Self:
        """Count."""
        self.creator = catalogue.creators()
        self.standing = np.log1p(interactions.popularity()).astype(np.float32) + 0.1
        return self

    again = fit
    """Further items are taken in as at first."""

    def scores(self, history: History) -> Scores:
        """Return the scores; nothing without a history."""
        taken = self.creator[history.items]
        if not (taken >= 0).any():
            return np.zeros(len(self.standing), np.float32)
        liked = np.bincount(taken[taken >= 0], history.shares()[taken >= 0], int(self.creator.max()) + 2)
        liked[-1] = 0  # of items without a creator
        found: Scores = liked.astype(np.float32)[self.creator] * self.standing
        return found
