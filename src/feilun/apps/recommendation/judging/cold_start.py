"""Items that nobody took yet: how well the texts alone rank them, beside what is usual in their categories."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.candidates.interest import Interest
from feilun.apps.recommendation.candidates.text_neighbours import TextNeighbours
from feilun.apps.recommendation.judging.against_baselines import Judged, judge, scorer_of
from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.interactions import History, Interactions

HIDDEN_SHARE = 0.15


def hidden_items(items: int, seed: int) -> NDArray[np.bool_]:
    """Return which items are hidden from training, shape (items,)."""
    return np.random.default_rng(seed).random(items) < HIDDEN_SHARE


def judge_cold(interactions: Interactions, catalogue: Catalogue, seed: int, now: float) -> Mapping[str, Judged]:
    """Hide some items from training and rank them among themselves.

    Args:
        interactions: All of them.
        catalogue: The items.
        seed: Of the draw of the hidden items.
        now: Seconds since 1970.

    Returns:
        By name: the text neighbours, the interest model where there is one (it must not have learned from these items
        either), and the category mean, which gives an item the user's mean weight in its categories.
    """
    hidden = hidden_items(len(catalogue), seed)
    cold = hidden[interactions.item]
    known, held_out = interactions.select(~cold), interactions.select(cold)
    text = scorer_of(TextNeighbours().fit(known, catalogue, now), len(catalogue))
    member = catalogue.category_matrix().toarray()

    def category_mean(_: int, history: History, __: float) -> NDArray[np.float32]:
        if not len(history):
            return np.zeros(len(catalogue), np.float32)
        found: NDArray[np.float32] = (member @ (history.weights @ member[history.items])).astype(np.float32)
        return found

    scorers = {"texts": text, "category mean": category_mean}
    if catalogue.reader is not None:
        scorers["interest model"] = scorer_of(Interest().fit(known, catalogue, now), len(catalogue))
    return {name: judge(scorer, known, held_out, catalogue, only=hidden) for name, scorer in scorers.items()}
