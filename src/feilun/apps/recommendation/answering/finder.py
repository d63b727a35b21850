"""Items that are asked for: like one, by what is typed, and to ask a newcomer about."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.answering.business_rules import BusinessRules
from feilun.apps.recommendation.answering.scored_candidates import standardised
from feilun.apps.recommendation.answering.similar import nearest_items
from feilun.apps.recommendation.candidates.fusion import pool_of
from feilun.apps.recommendation.ranking.model import Model
from feilun.apps.recommendation.records.context import Situation
from feilun.apps.recommendation.records.interactions import History
from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.core.errors import UsageError
from feilun.core.remark import Remark

Scored = list[tuple[int, float]]
"""Item numbers with their scores, best first."""

LONGEST_LIST = 200


def check_count(count: int) -> None:
    """Raise a UsageError where a list cannot be so long."""
    if not 1 <= count <= LONGEST_LIST:
        raise UsageError(
            Remark(
                f"A list has 1 to {LONGEST_LIST} items, not {count}.",
                f"列表可有 1 到 {LONGEST_LIST} 个商品，不能是 {count} 个。",
            )
        )


class Finder:
    """Finds items that decision tables let through; it keeps no state.

    Args:
        settings: Of the application.
        rules: Decision tables of the business.
    """

    def __init__(self, settings: RecommendationSettings, rules: BusinessRules) -> None:
        self.settings = settings
        self.rules = rules

    def similar(self, model: Model, item: int, there: NDArray[np.bool_], count: int, situation: Situation) -> Scored:
        """Return the items nearest to one, with their nearness; `there` says which may be shown, shape (items,)."""
        found = nearest_items(model, item, there, len(there) if self.rules else count)
        ordered = np.array([number for number, _ in found], np.int64)
        kept = set(self.rules.permitted(model.catalogue, ordered, count, situation).tolist())
        return [(number, nearness) for number, nearness in found if number in kept]

    def by_words(
        self, model: Model, fits: Mapping[int, float], history: History, count: int, situation: Situation
    ) -> Scored:
        """Return items that fit what was typed, with their scores, in the order that suits who asks.

        Args:
            model: What recommends.
            fits: How well each fits, by number.
            history: What the user took.
            count: Most items.
            situation: When and in what context.
        """
        typed = np.fromiter(fits, np.int64, len(fits))
        items = self.rules.permitted(model.catalogue, typed, len(typed), situation)
        scores = standardised(np.array([fits[item] for item in items.tolist()], np.float64))
        weight = self.settings.search.personal
        if len(history) and weight and len(items):
            pool = pool_of(model.generators, self.settings.candidates.quotas, history, situation, items)
            scores = scores + weight * standardised(model.scores(pool, history, situation))
        best_first = np.argsort(-scores, kind="stable")[:count]
        return [(int(items[i]), float(scores[i])) for i in best_first.tolist()]

    def most_taken(self, model: Model, there: NDArray[np.bool_], count: int, situation: Situation) -> list[int]:
        """Return the items that most took, of those that may be shown, shape (items,)."""
        known = np.flatnonzero(there)
        ordered = known[np.argsort(-model.facts.popularity[known], kind="stable")]
        found: list[int] = self.rules.permitted(model.catalogue, ordered, count, situation).tolist()
        return found
