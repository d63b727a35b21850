"""What is new."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from feilun.apps.recommendation.candidates.scoring import Scores
from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.interactions import DAY, History, Interactions

HALF_LIFE_DAYS = 7.0
FARTHEST = 60.0
"""Half-lives ahead that are told apart; they bound the numbers of dates that cannot be meant."""


@dataclass
class Recent:
    """Items by their age, halved in a week; an item whose day is not known scores nothing.

    Scores stay right in proportion as time goes by, also those of items that are yet to come: what is newer is more.
    """

    freshness: Scores = field(default_factory=lambda: np.zeros(0, np.float32))

    def fit(self, interactions: Interactions, catalogue: Catalogue, now: float) -> Self:
        """Look at the items' days."""
        ages = np.array([np.inf if i.published is None else now - i.published for i in catalogue.items])
        self.freshness = (0.5 ** np.maximum(ages / DAY / HALF_LIFE_DAYS, -FARTHEST)).astype(np.float32)
        return self

    again = fit
    """Further items are taken in as at first."""

    def scores(self, history: History) -> Scores:
        """Return how fresh each item is."""
        return self.freshness
