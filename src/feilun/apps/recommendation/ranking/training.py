"""A recommender learns in two stages: generators on what came before a moment, the final ranking on what came after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.ranking.cross_fitting import chances, considered_for, shown_to
from feilun.apps.recommendation.ranking.features import features_of
from feilun.apps.recommendation.ranking.linear_order import fit_weights
from feilun.apps.recommendation.ranking.lists import Lists, chosen_session, lists_of
from feilun.apps.recommendation.ranking.model import Model, fit_generators
from feilun.apps.recommendation.ranking.requests import drawn_requests, requests_of
from feilun.apps.recommendation.ranking.trees import TreeSettings, grow_ranking
from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.events import Ranking
from feilun.apps.recommendation.records.interactions import Interactions
from feilun.apps.recommendation.records.sessions import Session
from feilun.apps.recommendation.settings import RecommendationSettings

FEWEST_LISTS = 30
"""Users with something to learn from, below which there is no final ranking."""

MOST_LISTS = 4_000
"""Users whose lists are learned from at most, drawn at random."""

JUDGED_SHARE = 0.15
"""Share of the users whose lists only decide when trees stop, and to whom chances are fitted."""


def fit(
    interactions: Interactions,
    catalogue: Catalogue,
    settings: RecommendationSettings,
    now: float,
    rankings: Sequence[Ranking] = (),
    later: NDArray[np.bool_] | None = None,
    session: Session | None = None,
) -> Model:
    """Train a recommender.

    Args:
        interactions: What users took.
        catalogue: The items.
        settings: Of the application.
        now: Seconds since 1970.
        rankings: As `fit_ranking` takes them.
        later: The same.
        session: The same.

    Returns:
        The model; its generators know all interactions, its final ranking was learned on some that the generators had
        not seen.
    """
    final = fit_generators(interactions, catalogue, settings.candidates.quotas, now)
    ranked = fit_ranking(interactions, catalogue, settings, rankings, later, session)
    return replace(
        final, names=ranked.names, weights=ranked.weights, trees=ranked.trees, clicks=ranked.clicks,
        session=ranked.session,
    )  # fmt: skip


def fit_ranking(
    interactions: Interactions,
    catalogue: Catalogue,
    settings: RecommendationSettings,
    rankings: Sequence[Ranking] = (),
    later: NDArray[np.bool_] | None = None,
    session: Session | None = None,
) -> Model:
    """Learn the final ranking alone.

    Args:
        interactions: What users took.
        catalogue: The items.
        settings: Of the application.
        rankings: What was shown, for the probability of a click; those of users that the trees learned nothing from.
        later: Which interactions the final ranking learns from, shape (rows,); the last in time where absent.
        session: How much the visit that goes on counts; where absent it is tried what `settings.session` gains.

    Returns:
        The final ranking, without trees where there was too little to learn it from, over generators that had not seen
        what it was learned on.
    """
    held_out = _last(interactions, settings.ranking.held_out) if later is None else later
    names = tuple(name for name in features_of(settings.context.columns) if name not in settings.ranking.without)
    before, after = interactions.select(~held_out), interactions.select(held_out)
    if not len(before) or not len(after):
        return fit_generators(before, catalogue, {}, 0.0)
    moment = float(after.time.min())
    early = replace(fit_generators(before, catalogue, settings.candidates.quotas, moment), names=names)
    source = np.random.default_rng(settings.seed)
    users = np.unique(after.user)
    users = np.sort(source.choice(users, min(MOST_LISTS, len(users)), replace=False))
    judged = source.random(len(users)) < JUDGED_SHARE
    if later is None:
        requests = drawn_requests(interactions, moment, users, source)
    else:
        requests = requests_of(before, after, users)
    early = replace(early, session=session or chosen_session(early, requests, settings, after))
    lists = lists_of(early, settings.candidates, requests, judged, after)
    ranked = _learn(early, lists, settings)
    if ranked.trees is None:
        return replace(early, session=Session())
    since = [ranking for ranking in rankings if ranking.time >= moment]
    clicks = None
    for exposures in (
        shown_to(interactions, since, settings.candidates, settings.seed),
        considered_for(requests, users, settings.candidates, after),
    ):
        clicks = clicks or chances(
            ranked, lambda some: _learn(early, some, settings), lists, users, exposures, len(interactions.users)
        )
    return replace(ranked, clicks=clicks)


def _last(interactions: Interactions, share: float) -> NDArray[np.bool_]:
    """Return the last share of interactions in time, those of one moment never parted, shape (rows,)."""
    if not len(interactions):
        return np.zeros(0, bool)
    return np.asarray(interactions.time >= np.quantile(interactions.time, 1 - share, method="higher"))


def _learn(early: Model, lists: Lists, settings: RecommendationSettings) -> Model:
    """Weigh the generators, then let trees correct what the weights get wrong; unchanged where there is too little."""
    if len(lists.judged) < FEWEST_LISTS:
        return early
    judged = lists.judged[lists.groups]
    weights = fit_weights(lists.generators, lists.relevance, lists.groups)
    ranking = settings.ranking
    grown = TreeSettings(ranking.trees, ranking.leaves, ranking.learning_rate, ranking.monotone, settings.seed)
    trees = grow_ranking(
        lists.table, lists.relevance, lists.groups, judged, early.names, grown, lists.generators @ weights
    )
    return replace(early, weights=dict(zip(early.generators, weights.tolist(), strict=True)), trees=trees)
