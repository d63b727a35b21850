"""What many take, lately more than long ago."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from feilun.apps.recommendation.candidates.generator import Scores
from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.interactions import History, Interactions


@dataclass
class Popular:
    """Items by the sum of the decayed weights that all users gave them; the same for everybody."""

    totals: Scores = field(default_factory=lambda: np.zeros(0, np.float32))

    def fit(self, interactions: Interactions, catalogue: Catalogue, now: float) -> Self:
        """Sum the weights."""
        sums = np.bincount(interactions.item, weights=interactions.weight, minlength=len(catalogue))
        self.totals = sums.astype(np.float32)
        return self

    def scores(self, history: History) -> Scores:
        """Return the sums."""
        return self.totals
