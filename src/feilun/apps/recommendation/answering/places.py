"""What stands in a list: the chosen candidates with their reasons, chances and what each feature added."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.answering.answer import NOTHING_SHOWN, Answer, Recommended
from feilun.apps.recommendation.answering.explain import reasons_for
from feilun.apps.recommendation.answering.rerank import Chosen
from feilun.apps.recommendation.answering.scored_candidates import ScoredCandidates


def answer_of(
    considered: ScoredCandidates, chosen: Chosen, user: str, version: str, *, personal: bool, explain: bool
) -> Answer:
    """Return a list with what is known of it.

    Args:
        considered: The candidates.
        chosen: Those of the list, in their order.
        user: Who asked.
        version: Of the model.
        personal: Whether the history was looked at.
        explain: Tell what each feature added; of a personal list alone.
    """
    places = places_of(considered, chosen, explain=explain and personal)
    situation = considered.situation
    clicks = considered.model.clicks if len(considered.history) else None
    return Answer(
        uuid.uuid4().hex, user, situation.moment, version, personal, places,
        considered.note or ("" if places else NOTHING_SHOWN),
        clicks.basis if clicks else "", clicks.base_rate if clicks else None, situation.context,
    )  # fmt: skip


def places_of(considered: ScoredCandidates, chosen: Chosen, *, explain: bool) -> list[Recommended]:
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
