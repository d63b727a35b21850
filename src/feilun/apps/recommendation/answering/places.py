"""What stands in a list: the chosen candidates with their reasons, chances and what each feature added."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.answering.answer import Recommended
from feilun.apps.recommendation.answering.considered import Considered
from feilun.apps.recommendation.answering.explain import reasons_for
from feilun.apps.recommendation.answering.rerank import Chosen


def places_of(considered: Considered, chosen: Chosen, *, explain: bool) -> list[Recommended]:
    """Return the places of a list.

    Args:
        considered: The candidates.
        chosen: Those of the list, in their order.
        explain: Tell what each feature added.
    """
    model, pool, scores, history = considered.model, considered.pool, considered.scores, considered.history
    parts: list[dict[str, float]] = [{} for _ in chosen.places]
    if explain and model.names:
        parts = [
            _largest(model.names, row)
            for row in model.contributions(pool, history, considered.situation)[chosen.places]
        ]
    likely = None if model.clicks is None or not len(history) else model.clicks.probabilities(scores)
    reasons = reasons_for(model, pool, chosen.places, history, chosen.explored)
    return [
        Recommended(
            model.catalogue.items[pool.items[place]], float(scores[place]),
            None if likely is None else float(likely[place]), reasons[i], parts[i],
            float(chosen.propensities[i]), bool(chosen.explored[i]), considered.rules[place],
        )
        for i, place in enumerate(chosen.places.tolist())
    ]  # fmt: skip


def _largest(names: Sequence[str], added: NDArray[np.float64]) -> dict[str, float]:
    order = np.argsort(-np.abs(added), kind="stable")
    return {names[i]: float(added[i]) for i in order.tolist() if added[i] != 0}
