"""What many take, lately more than long ago, and what more take now than usually; both move with every event."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.candidates.decayed_counts import DecayedCounts
from feilun.apps.recommendation.candidates.generator import Takes
from feilun.apps.recommendation.candidates.scoring import Scores
from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.context import Situation
from feilun.apps.recommendation.records.interactions import DAY, History, Interactions

LATELY, USUALLY = 1.0 * DAY, 14.0 * DAY
"""Half-lives of what is taken now, and of what usually is."""

NOTHING = DecayedCounts((0,), DAY, 0.0)


@dataclass
class Popular:
    """Items by the sum of the decayed weights that all users gave them; the same for everybody.

    Time alone leaves the sums in proportion, so only events move them.
    """

    totals: DecayedCounts = field(default_factory=lambda: NOTHING)

    def fit(self, interactions: Interactions, catalogue: Catalogue, now: float) -> Self:
        """Sum the weights, which are those of now."""
        self.totals = DecayedCounts((len(catalogue),), interactions.half_life_days * DAY, now)
        self.totals.add(interactions.item, interactions.weight, np.full(len(interactions), now))
        return self

    def take(self, takes: Takes) -> None:
        """Let events count."""
        self.totals.add(takes.items, takes.weights, takes.times)

    def scores(self, history: History) -> Scores:
        """Return the sums."""
        return self.totals.at(self.totals.landmark).astype(np.float32)


@dataclass
class Trending:
    """Items by how many more take them in these days than their last weeks would let expect, in standard deviations.

    An event counts 1 whatever it says. Of n takes by chance the spread is the root of n.
    """

    lately: DecayedCounts = field(default_factory=lambda: NOTHING)
    usually: DecayedCounts = field(default_factory=lambda: NOTHING)

    def fit(self, interactions: Interactions, catalogue: Catalogue, now: float) -> Self:
        """Count."""
        self.lately = DecayedCounts((len(catalogue),), LATELY, now)
        self.usually = DecayedCounts((len(catalogue),), USUALLY, now)
        self._count(interactions.item, interactions.time)
        return self

    def take(self, takes: Takes) -> None:
        """Let events count."""
        self._count(takes.items, takes.times)

    def scores(self, history: History) -> Scores:
        """Return the scores as of the last event that was counted, or of training."""
        return self.scores_in(Situation(self.lately.landmark))

    def scores_in(self, situation: Situation) -> Scores:
        """Return how far beyond what is usual each item is at a moment, no less than 0."""
        lately, expected = self.lately.at(situation.moment), self.usually.at(situation.moment) * LATELY / USUALLY
        known = min(len(lately), len(expected))  # a new item's first event may be counted in one of them as yet
        lately, expected = lately[:known], expected[:known]
        return np.maximum((lately - expected) / np.sqrt(expected + 1), 0).astype(np.float32)

    def _count(self, items: NDArray[np.int64], times: NDArray[np.float64]) -> None:
        for counts in (self.lately, self.usually):
            counts.add(items, np.ones(len(items)), times)
