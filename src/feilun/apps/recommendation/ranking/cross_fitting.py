"""Probabilities are fitted to strangers: users from whom the trees that score them learned nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.ranking.click_probability import ClickCurve
from feilun.apps.recommendation.ranking.exposures import Exposures, candidates, fit_chances, impressions, joined
from feilun.apps.recommendation.ranking.lists import Lists
from feilun.apps.recommendation.ranking.model import Model
from feilun.apps.recommendation.ranking.requests import Request
from feilun.apps.recommendation.records.events import Ranking
from feilun.apps.recommendation.records.interactions import Interactions
from feilun.apps.recommendation.settings import CandidateSettings

FOLDS = 4
"""Parts of the users, where those who only decide when trees stop are too few."""

Strangers = NDArray[np.bool_]
"""By user number, whom the trees do not know, shape (users,)."""


def chances(
    model: Model, learn: Callable[[Lists], Model], lists: Lists, users: NDArray[np.int64],
    exposures: Callable[[Model, Strangers], Exposures], count: int,
) -> ClickCurve | None:  # fmt: skip
    """Fit probabilities of the final ranking's scores.

    Args:
        model: With its trees.
        learn: Grows trees from lists.
        lists: What the model's trees have learned from.
        users: The user of each request, shape (requests,).
        exposures: What strangers were shown, scored by a model.
        count: Of all users.

    Returns:
        The curve; None where too little was shown, also if the trees are grown again without each part of the users.
    """
    strangers = np.ones(count, bool)
    strangers[users[lists.requests[~lists.judged]]] = False
    found = fit_chances(exposures(model, strangers))
    if found is not None:
        return found
    parts = []
    for fold in range(FOLDS):
        mine = np.arange(count) % FOLDS == fold
        others = learn(lists.without(mine[users[lists.requests]]))
        if others.trees is not None:
            parts.append(exposures(others, mine))
    return fit_chances(joined(parts)) if parts else None


def shown_to(
    interactions: Interactions, rankings: Sequence[Ranking], policy: CandidateSettings, seed: int
) -> Callable[[Model, Strangers], Exposures]:
    """Return what gives the places of logged lists."""
    return lambda model, users: impressions(model, policy, interactions, rankings, users, seed)


def considered_for(
    requests: Sequence[Request], of: NDArray[np.int64], policy: CandidateSettings, later: Interactions
) -> Callable[[Model, Strangers], Exposures]:
    """Return what gives the candidates of requests, the user of each given, and what was taken after training."""
    return lambda model, users: candidates(
        model, policy, [one for one, mine in zip(requests, users[of].tolist(), strict=True) if mine], later
    )
