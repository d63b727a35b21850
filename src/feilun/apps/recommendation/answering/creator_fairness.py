"""Places for creators in proportion to what is taken of them, over all lists (FairCo, Morik et al. 2020)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.candidates.decayed_counts import DecayedCounts
from feilun.apps.recommendation.ranking.features import ItemFacts

HALF_LIFE = 86_400.0
"""Seconds after which a place that was given counts half."""

FEWEST_PLACES = 50.0
"""Weight of the places given, below which nothing is said of who has too few."""


class CreatorExposure:
    """How many places each creator was given lately, the upper ones counting more.

    Not safe between threads: the recommender's lock guards it.

    Args:
        facts: Of the items.
    """

    def __init__(self, facts: ItemFacts) -> None:
        self._given = DecayedCounts((0,), HALF_LIFE, 0.0)
        self.of(facts)

    def of(self, facts: ItemFacts) -> None:
        """Look at a changed catalogue; as creators are numbered anew, what was given is counted anew."""
        creators = int(facts.creator.max(initial=-1)) + 1
        known = facts.creator >= 0
        # one take more an item: a creator of whom nothing was taken yet deserves some places too
        takes = np.bincount(facts.creator[known], np.expm1(facts.popularity[known]) + 1, creators)
        self._deserved = takes / max(1.0, float(takes.sum()))
        if self._given.at(0.0).shape != (creators,):
            self._given = DecayedCounts((creators,), HALF_LIFE, 0.0)

    def lacking(self, creators: NDArray[np.int64], now: float) -> NDArray[np.float64]:
        """Return which part of the places that are due to it each creator did not get, 0 to 1, shape (candidates,).

        Args:
            creators: Of the candidates, -1 for none, shape (candidates,).
            now: Seconds since 1970.
        """
        given = self._given.at(now)
        total = float(given.sum())
        if total < FEWEST_PLACES:
            return np.zeros(len(creators))
        missing = np.clip(1 - given / total / self._deserved, 0, 1)
        return np.where(creators >= 0, np.append(missing, 0.0)[creators], 0.0)

    def show(self, creators: NDArray[np.int64], now: float) -> None:
        """Count the places of a list, from the top, shape (places,)."""
        worth = 1 / np.log2(2 + np.arange(len(creators)))
        known = creators >= 0
        self._given.add(creators[known], worth[known], np.full(int(known.sum()), now))
