"""What a list is besides what its user likes: rules of the business, boosts, novelty, and fairness to creators."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.answering.business_rules import BusinessRules, Ruled
from feilun.apps.recommendation.answering.creator_fairness import CreatorExposure
from feilun.apps.recommendation.answering.rerank import boosts
from feilun.apps.recommendation.answering.scored_candidates import standardised
from feilun.apps.recommendation.candidates.fusion import Pool, gather
from feilun.apps.recommendation.ranking.model import Model
from feilun.apps.recommendation.records.context import Situation
from feilun.apps.recommendation.records.interactions import History
from feilun.apps.recommendation.settings import ListSettings

MOST_ROUNDS = 5
"""Times that candidates are gathered where decision tables block so many that a list would be short."""


class ListPolicy:
    """Decides what may be a candidate and what lifts it; safe to share between threads.

    Args:
        settings: Of lists.
        rules: Decision tables of the business.
        model: What recommends.
    """

    def __init__(self, settings: ListSettings, rules: BusinessRules, model: Model) -> None:
        self.settings = settings
        self.rules = rules
        self._exposure = CreatorExposure(model.facts)
        self._lock = Lock()

    def changed(self, model: Model) -> None:
        """Look at a changed catalogue."""
        with self._lock:
            self._exposure.of(model.facts)

    def candidates(
        self, model: Model, quotas: Mapping[str, int], history: History, situation: Situation,
        allowed: NDArray[np.bool_], count: int,
    ) -> tuple[Pool, Ruled]:  # fmt: skip
        """Gather candidates that no decision table blocks; where too few are left, others are asked about.

        Args:
            model: What recommends.
            quotas: Most candidates of each generator.
            history: What the user took.
            situation: When and in what context.
            allowed: Which items may be shown, shape (items,); what is blocked is struck out of it.
            count: Length of the list.

        Raises:
            DataError: If a cell of a table cannot be evaluated.
        """
        for _ in range(MOST_ROUNDS):
            pool = gather(model.generators, quotas, history, situation, allowed, count)
            ruled = self.rules.of(model.catalogue, pool.items, situation)
            allowed[pool.items[ruled.blocked]] = False
            left = ~ruled.blocked
            if left.all() or left.sum() >= count:
                break
        return pool.select(left), ruled.select(left)

    def lifted(
        self, scores: NDArray[np.float64], model: Model, pool: Pool, ruled: Ruled, now: float
    ) -> NDArray[np.float64]:
        """Return standardised scores with all that lifts or lowers them, shape (candidates,).

        Args:
            scores: The final ones, shape (candidates,).
            model: What recommends.
            pool: The candidates.
            ruled: What decision tables say of them.
            now: Seconds since 1970.
        """
        found = standardised(scores) + boosts(model.catalogue, pool.items, self.settings) + ruled.boosts
        if self.settings.novelty:
            found -= self.settings.novelty * standardised(model.facts.popularity[pool.items])
        if self.settings.creator_fairness:
            with self._lock:
                found += self.settings.creator_fairness * self._exposure.lacking(model.facts.creator[pool.items], now)
        return found

    def shown(self, model: Model, items: NDArray[np.int64], now: float) -> None:
        """Count the places of a list that is given, shape (places,)."""
        if self.settings.creator_fairness:
            with self._lock:
                self._exposure.show(model.facts.creator[items], now)
