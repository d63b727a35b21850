"""Who has no history may be asked: a few items that many know and that tell tastes apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.features import ItemFacts

ASKED_AMONG = 200
"""The questions are chosen of so many of the most taken items: nobody can judge what they do not know."""

VARIETY = 0.5
"""Weight of being unlike what is asked already, against being known."""


def questions(facts: ItemFacts, allowed: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
    """Choose the items to ask a newcomer about: known to many, unlike each other (Rashid et al. 2002).

    Args:
        facts: Of the items.
        allowed: Which may be shown, shape (items,).
        count: Most items.

    Returns:
        Item numbers in the order of asking, shape (at most count,).
    """
    known = np.flatnonzero(allowed)
    known = known[np.argsort(-facts.popularity[known], kind="stable")][:ASKED_AMONG]
    popularity = facts.popularity[known] / max(float(facts.popularity[known].max(initial=0)), 1e-9)
    alike = facts.vectors[known] @ facts.vectors[known].T  # (known, known)
    nearest = np.zeros(len(known), np.float32)
    chosen: list[int] = []
    for _ in range(min(count, len(known))):
        worth = (1 - VARIETY) * popularity - VARIETY * nearest
        worth[chosen] = -np.inf
        chosen.append(int(worth.argmax()))
        nearest = np.maximum(nearest, alike[chosen[-1]])
    return known[chosen]
