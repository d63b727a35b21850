"""What is popular and what is new among users of one segment, such as one city."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from feilun.apps.recommendation.candidates.decayed_counts import DecayedCounts
from feilun.apps.recommendation.candidates.generator import Takes
from feilun.apps.recommendation.candidates.recent import Recent
from feilun.apps.recommendation.candidates.scoring import Scores
from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.context import Context, Situation
from feilun.apps.recommendation.records.interactions import DAY, History, Interactions

SURE_AFTER = 50.0
"""Weight taken in a segment from which on it says as much as everybody does."""


@dataclass
class PopularInSegment:
    """Items by their share in what the segment takes, drawn towards their share in what all take (Dirichlet prior).

    Who is of no segment that is known gets the shares of all. A segment that was first seen after training counts from
    the next opening of the application on.

    Args:
        column: Of the context, whose values are the segments.
        segments: Those that are known.
        counts: What each segment takes, in the last row what all do, shape (segments + 1, items).
    """

    column: str = ""
    segments: tuple[str, ...] = ()
    counts: DecayedCounts = field(default_factory=lambda: DecayedCounts((1, 0), DAY, 0.0))

    def fit(self, interactions: Interactions, catalogue: Catalogue, now: float) -> Self:
        """Sum the weights, which are those of now."""
        self.column = interactions.context.segment
        self.segments, rows = interactions.context.segments()
        self.counts = DecayedCounts((len(self.segments) + 1, len(catalogue)), interactions.half_life_days * DAY, now)
        self._count(interactions.item, interactions.weight, np.full(len(interactions), now), rows.astype(np.int64))
        return self

    def take(self, takes: Takes) -> None:
        """Let events count."""
        rows = np.array([self._row(context) for context in takes.contexts], np.int64)
        self._count(takes.items, takes.weights, takes.times, rows)

    def scores(self, history: History) -> Scores:
        """Return the scores for who is of no segment."""
        return self.scores_in(Situation(0.0))

    def scores_in(self, situation: Situation) -> Scores:
        """Return the shares, shape (items,)."""
        row, counts = self._row(situation.context), self.counts.at(self.counts.landmark)
        everybody = counts[-1]
        shares: Scores = (everybody / max(1e-12, float(everybody.sum()))).astype(np.float32)
        if row < 0:
            return shares
        own = counts[row]
        drawn: Scores = ((own + SURE_AFTER * shares) / (own.sum() + SURE_AFTER)).astype(np.float32)
        return drawn

    def _row(self, context: Context) -> int:
        value = context.get(self.column, "")
        return self.segments.index(value) if value in self.segments else -1

    def _count(
        self,
        items: NDArray[np.int64],
        weights: NDArray[np.float64],
        times: NDArray[np.float64],
        rows: NDArray[np.int64],
    ) -> None:
        """Count for all, and where the segment is known for it."""
        self.counts.add(items, weights, times, np.full(len(items), len(self.segments)))
        if len(rows):
            own = rows >= 0
            self.counts.add(items[own], weights[own], times[own], rows[own])


@dataclass
class RecentInSegment:
    """What is new, weighed by how much of what the segment takes is of its categories."""

    recent: Recent = field(default_factory=Recent)
    popular: PopularInSegment = field(default_factory=PopularInSegment)
    member: sparse.csr_matrix = field(default_factory=lambda: sparse.csr_matrix((0, 1), dtype=np.float32))

    def fit(self, interactions: Interactions, catalogue: Catalogue, now: float) -> Self:
        """Look at the items' days and categories, and count."""
        self.popular.fit(interactions, catalogue, now)
        return self.again(interactions, catalogue, now)

    def again(self, interactions: Interactions, catalogue: Catalogue, now: float) -> Self:
        """Take further items in."""
        self.recent.fit(interactions, catalogue, now)
        self.member = catalogue.category_matrix()
        return self

    def take(self, takes: Takes) -> None:
        """Let events count."""
        self.popular.take(takes)

    def scores(self, history: History) -> Scores:
        """Return the scores for who is of no segment."""
        return self.scores_in(Situation(0.0))

    def scores_in(self, situation: Situation) -> Scores:
        """Return how fresh each item is, times one and the segment's share of its categories, shape (items,)."""
        shares: NDArray[np.float32] = self.popular.scores_in(situation)
        known = min(len(shares), self.member.shape[0])
        of_categories = self.member[:known].T @ shares[:known]  # (categories,)
        liking: NDArray[np.float32] = self.member @ of_categories
        return (self.recent.freshness * (1 + len(of_categories) * liking)).astype(np.float32)
