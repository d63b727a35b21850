"""Candidate lists of requests, with what was taken of them: what the final ranking learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.candidates.fusion import gather
from feilun.apps.recommendation.ranking.as_of import AsOf
from feilun.apps.recommendation.ranking.linear_order import fit_weights
from feilun.apps.recommendation.ranking.model import Model
from feilun.apps.recommendation.ranking.requests import Request, allowed_at
from feilun.apps.recommendation.records.interactions import Interactions
from feilun.apps.recommendation.records.sessions import Session, gains
from feilun.apps.recommendation.settings import CandidateSettings, RecommendationSettings

FEWEST_VISITS, MOST_VISITS = 100, 1_000
"""Requests within a visit on which it is tried whether the visit says more."""

DEPTH = 10

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Lists:
    """Candidate lists with what was taken of them.

    Args:
        table: Features, shape (rows, FEATURES).
        relevance: Shape (rows,).
        groups: Number of the list, ascending, shape (rows,).
        generators: Their standardised scores, shape (rows, generators).
        next: Which item was taken next, shape (rows,).
        requests: Number of each list's request, shape (lists,).
        judged: Lists that only decide when trees stop, shape (lists,).
    """

    table: NDArray[np.float64]
    relevance: NDArray[np.float64]
    groups: NDArray[np.int64]
    generators: NDArray[np.float64]
    next: NDArray[np.bool_]
    requests: NDArray[np.int64]
    judged: NDArray[np.bool_]

    def without(self, left_out: NDArray[np.bool_]) -> Lists:
        """Return the lists that are not left out, shape (lists,)."""
        kept = ~left_out
        rows = kept[self.groups]
        groups = (np.cumsum(kept) - 1)[self.groups[rows]]
        return Lists(
            self.table[rows], self.relevance[rows], groups, self.generators[rows], self.next[rows],
            self.requests[kept], self.judged[kept],
        )  # fmt: skip


def lists_of(
    model: Model, policy: CandidateSettings, requests: Sequence[Request], judged: NDArray[np.bool_], later: Interactions
) -> Lists:
    """Gather candidates for users as they were, and mark what they took from then on.

    Args:
        model: Learned nothing from what was taken then.
        policy: Quotas, and what is shown again.
        requests: Those of which nothing taken is among the candidates give no list: there is nothing to order.
        judged: Of each request, whether its list only decides when trees stop, shape (requests,).
        later: What the model did not learn from; what is popular moves with it from request to request.
    """
    as_of, found = AsOf(model, later), {}
    for number in sorted(range(len(requests)), key=lambda number: requests[number].moment):
        part = _list_of(as_of.at(requests[number].moment), policy, requests[number])
        if part is not None:
            found[number] = part
    numbers = sorted(found)
    parts = [found[number] for number in numbers]
    nothing = [np.zeros((0, len(model.names))), np.zeros(0), np.zeros((0, len(model.generators))), np.zeros(0, bool)]
    table, relevance, generators, following = (
        np.concatenate([nothing[i], *(part[i] for part in parts)]) for i in range(len(nothing))
    )
    sizes = [len(part[1]) for part in parts]
    groups = np.repeat(np.arange(len(sizes)), sizes)
    requests_of_lists = np.array(numbers, np.int64)
    return Lists(table, relevance, groups, generators, following, requests_of_lists, judged[requests_of_lists])


def _list_of(model: Model, policy: CandidateSettings, request: Request) -> tuple[Floats, Floats, Floats, Bools] | None:
    """Return features, relevance, generators' scores and what was taken next; None where nothing taken is there."""
    history = model.looked_at(request.history, request.moment)
    allowed = allowed_at(model, policy, request.history, request.moment)
    pool = gather(model.generators, policy.quotas, history, request.situation, allowed)
    marks = np.zeros(len(model.catalogue))
    np.maximum.at(marks, request.taken.items, request.taken.weights)
    if not marks[pool.items].any():
        return None
    table = model.table(pool, history, request.situation)
    following = pool.items == request.taken.items[0]
    return table, marks[pool.items], pool.standardised.astype(np.float64), following


def chosen_session(
    model: Model, requests: Sequence[Request], settings: RecommendationSettings, later: Interactions
) -> Session:
    """Return how much the visit counts: as set where that finds what was taken next better, else as all the rest.

    Args:
        model: Fitted generators that learned nothing from what was taken at the requests.
        requests: Those within a visit are looked at.
        settings: Of the application.
        later: What they did not learn from.
    """
    off = Session(settings.session.minutes)
    wanted = Session(settings.session.minutes, settings.session.weight)
    within = [one for one in requests if wanted.within(one.history, one.moment).visit][:MOST_VISITS]
    if len(within) < FEWEST_VISITS:
        return off
    plain, weighed = (_found(model, settings.candidates, within, one, later) for one in (off, wanted))
    return wanted if gains(plain, weighed) else off


def _found(
    model: Model, policy: CandidateSettings, requests: Sequence[Request], session: Session, later: Interactions
) -> NDArray[np.float64]:
    """Return the gain (NDCG@10) of the item taken next among the weighted candidates, shape (requests,)."""
    lists = lists_of(replace(model, session=session), policy, requests, np.zeros(len(requests), bool), later)
    found = np.zeros(len(requests))
    if not len(lists.requests):
        return found
    scores = lists.generators @ fit_weights(lists.generators, lists.relevance, lists.groups)
    order = np.lexsort((-scores, lists.groups))
    starts = np.flatnonzero(np.diff(lists.groups, prepend=-1))
    rank = np.arange(len(order)) - starts[lists.groups[order]]
    hits = order[lists.next[order] & (rank < DEPTH)]
    found[lists.requests[lists.groups[hits]]] = 1 / np.log2(2 + rank[lists.next[order] & (rank < DEPTH)])
    return found
