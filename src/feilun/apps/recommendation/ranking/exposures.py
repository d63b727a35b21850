"""What users were shown, or could have been, beside what they took: on it chances of a click are fitted and judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.candidates.fusion import gather
from feilun.apps.recommendation.ranking.as_of import AsOf
from feilun.apps.recommendation.ranking.click_probability import Basis, ClickCurve, fit_clicks
from feilun.apps.recommendation.ranking.model import Model
from feilun.apps.recommendation.ranking.requests import Request, allowed_at
from feilun.apps.recommendation.records.context import Situation
from feilun.apps.recommendation.records.events import Ranking
from feilun.apps.recommendation.records.interactions import History, Interactions
from feilun.apps.recommendation.settings import CandidateSettings

WINDOW_SECONDS = 3600.0
"""An item that is taken so soon after it was shown counts as clicked there."""

MOST_LISTS = 2_000
"""Lists that are looked at, drawn at random; each asks the generators once."""


@dataclass(frozen=True)
class Exposures:
    """Items beside what became of them.

    Args:
        basis: What `taken` says.
        scores: The final ranking's, among all candidates of the request, shape (rows,).
        places: In the list, from 1; all 1 where nothing was shown, shape (rows,).
        taken: Shape (rows,).
    """

    basis: Basis
    scores: NDArray[np.float64]
    places: NDArray[np.int64]
    taken: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.scores)


def impressions(
    model: Model, policy: CandidateSettings, interactions: Interactions, rankings: Sequence[Ranking],
    users: NDArray[np.bool_], seed: int,
) -> Exposures:  # fmt: skip
    """Score what logged lists showed as a request of that moment would have, and mark what was clicked within an hour.

    Items that the policy would not have shown then are left out, as are lists of users without a history.

    Args:
        model: Learned nothing from what followed from these lists.
        policy: Quotas, and what is shown again.
        interactions: Before the lists and after them; what is popular moves with them from list to list.
        rankings: The lists.
        users: Whose lists are looked at, by user number, shape (users,).
        seed: Of the draw of lists.
    """
    number = {user: i for i, user in enumerate(interactions.users) if users[i]}
    some = [ranking for ranking in rankings if ranking.user in number]
    if len(some) > MOST_LISTS:
        drawn = np.random.default_rng(seed).choice(len(some), MOST_LISTS, replace=False)
        some = [some[i] for i in np.sort(drawn).tolist()]
    as_of = AsOf(model, interactions.select(interactions.time >= model.fitted))
    rows = [
        _shown(as_of.at(one.time), policy, interactions.history(number[one.user]), one)
        for one in sorted(some, key=lambda one: one.time)
    ]
    scores, places, taken = ([row[i] for row in rows] for i in range(3))
    nothing = [np.zeros(0)]
    return Exposures(
        "impressions", np.concatenate(scores or nothing), np.concatenate(places or nothing).astype(np.int64),
        np.concatenate(taken or nothing).astype(bool),
    )  # fmt: skip


def candidates(model: Model, policy: CandidateSettings, requests: Sequence[Request], later: Interactions) -> Exposures:
    """Score the candidates of requests that no list was logged of, and mark what was taken next.

    Args:
        model: Learned nothing from what was taken then.
        policy: Quotas, and what is shown again.
        requests: Those of users without a history are left out.
        later: What the model did not learn from; what is popular moves with it.
    """
    scores, taken = [np.zeros(0)], [np.zeros(0, bool)]
    as_of = AsOf(model, later)
    asked = [request for request in requests if len(request.history)][:MOST_LISTS]
    for one in sorted(asked, key=lambda request: request.moment):
        now = as_of.at(one.moment)
        history = model.looked_at(one.history, one.moment)
        allowed = allowed_at(model, policy, one.history, one.moment)
        pool = gather(now.generators, policy.quotas, history, one.situation, allowed)
        scores.append(now.scores(pool, history, one.situation))
        taken.append(pool.items == one.taken.items[0])
    found = np.concatenate(scores)
    return Exposures("next", found, np.ones(len(found), np.int64), np.concatenate(taken))


def joined(parts: Sequence[Exposures]) -> Exposures:
    """Return exposures of one basis as one; there must be one."""
    scores, places, taken = (
        np.concatenate(columns) for columns in zip(*((p.scores, p.places, p.taken) for p in parts), strict=True)
    )
    return Exposures(parts[0].basis, scores, places, taken)


def fit_chances(exposures: Exposures) -> ClickCurve | None:
    """Fit the curve to exposures of users that the ranking had not learned from; None where they are too few."""
    curve = fit_clicks(exposures.scores, exposures.places, exposures.taken)
    if curve is None:
        return None
    return replace(curve, basis=exposures.basis, base_rate=float(exposures.taken.mean()), rows=len(exposures))


def _shown(
    model: Model, policy: CandidateSettings, everything: History, ranking: Ranking
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return scores, places and clicks of a list's items."""
    before, then = everything.parted(ranking.time)
    history = model.looked_at(before, ranking.time)
    allowed = allowed_at(model, policy, before, ranking.time)
    index = model.catalogue.index
    named = [(index[name], place) for place, name in enumerate(ranking.items, 1) if name in index]
    items, places = np.array([pair for pair in named if allowed[pair[0]]], np.int64).reshape(-1, 2).T
    if not len(history) or not len(items):
        return np.zeros(0), np.zeros(0, np.int64), np.zeros(0, bool)
    situation = Situation(ranking.time, ranking.context)
    pool = gather(model.generators, policy.quotas, history, situation, allowed, also=items)
    row_of = {item: row for row, item in enumerate(pool.items.tolist())}
    scores = model.scores(pool, history, situation)[[row_of[item] for item in items.tolist()]]
    soon = then.items[then.times < ranking.time + WINDOW_SECONDS]
    return scores, places, np.isin(items, soon)
