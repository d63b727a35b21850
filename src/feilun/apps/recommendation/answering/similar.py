"""Items like one: by their texts, and by who takes both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.candidates.scoring import best
from feilun.apps.recommendation.ranking.model import Model
from feilun.apps.recommendation.records.interactions import History

COMMON_WEIGHT = 0.5
"""Of common users beside the text's cosine: an item that nobody took yet can still come first."""


def nearest_items(
    model: Model, number: int, allowed: NDArray[np.bool_], count: int
) -> list[tuple[int, float]]:  # fmt: skip
    """Return the items nearest to one, with their nearness, the nearest first.

    Args:
        model: What recommends.
        number: The item.
        allowed: Which items may be shown, shape (items,).
        count: Most items.
    """
    nearness = model.facts.vectors @ model.facts.vectors[number]
    if "item-neighbours" in model.generators:
        alone = History(np.array([number]), np.ones(1), np.zeros(1))
        common = model.generators["item-neighbours"].scores(alone)
        if common.max(initial=0) > 0:
            nearness[: len(common)] += COMMON_WEIGHT * common / common.max()
    others = allowed.copy()
    others[number] = False
    return [(item, float(nearness[item])) for item in best(nearness, others, count).tolist()]
