"""A recommender learns in two stages: generators on what came before a moment, the final ranking on what came after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.catalogue import Catalogue
from feilun.apps.recommendation.click_probability import ClickCurve, fit_clicks
from feilun.apps.recommendation.events import Ranking
from feilun.apps.recommendation.features import FEATURES
from feilun.apps.recommendation.fusion import Pool, gather, padded
from feilun.apps.recommendation.histories import unseen
from feilun.apps.recommendation.interactions import Interactions
from feilun.apps.recommendation.linear_order import fit_weights
from feilun.apps.recommendation.model import Model, fit_generators
from feilun.apps.recommendation.ranker import TreeSettings, grow_ranking
from feilun.apps.recommendation.settings import RecommendationSettings

FEWEST_LISTS = 30
"""Users with something to learn from, below which there is no final ranking."""

MOST_LISTS = 4_000
"""Users whose lists are learned from at most, drawn at random."""

JUDGED_SHARE = 0.15
"""Share of the lists that only decide when trees stop."""


@dataclass(frozen=True)
class Lists:
    """Candidate lists with what was taken of them.

    Args:
        table: Features, shape (rows, FEATURES).
        relevance: Shape (rows,).
        groups: Number of the list, ascending, shape (rows,).
        generators: Their standardised scores, shape (rows, generators).
    """

    table: NDArray[np.float64]
    relevance: NDArray[np.float64]
    groups: NDArray[np.int64]
    generators: NDArray[np.float64]


def fit(
    interactions: Interactions,
    catalogue: Catalogue,
    settings: RecommendationSettings,
    now: float,
    rankings: Sequence[Ranking] = (),
    later: NDArray[np.bool_] | None = None,
) -> Model:
    """Train a recommender.

    Args:
        interactions: What users took.
        catalogue: The items.
        settings: Of the application.
        now: Seconds since 1970.
        rankings: What was shown, for the probability of a click.
        later: Which interactions the final ranking learns from, shape (rows,); the last in time where absent.

    Returns:
        The model; its generators know all interactions, its final ranking was learned on some that the generators had
        not seen.
    """
    if later is None:
        share = settings.ranking.held_out
        cut = np.quantile(interactions.time, 1 - share, method="higher") if len(interactions) else np.inf
        later = interactions.time >= cut
    names = tuple(name for name in FEATURES if name not in settings.ranking.without)
    final = fit_generators(interactions, catalogue, settings.candidates.quotas, now)
    before, after = interactions.select(~later), interactions.select(later)
    if not len(before) or not len(after):
        return final
    moment = float(after.time.min())
    early = replace(fit_generators(before, catalogue, settings.candidates.quotas, moment), names=names)
    early = _learn(early, _lists(early, before, after, settings), settings)
    if early.trees is None:
        return replace(final, names=names)
    curve = _curve(early, before, after, rankings, moment)
    return replace(final, names=names, weights=early.weights, trees=early.trees, clicks=curve)


def _lists(early: Model, before: Interactions, after: Interactions, settings: RecommendationSettings) -> Lists:
    """Gather candidates for users as they were, and mark what they took afterwards."""
    source = np.random.default_rng(settings.seed)
    users = np.unique(after.user)
    users = np.sort(source.choice(users, min(MOST_LISTS, len(users)), replace=False))
    shown = early.catalogue.shown
    tables: list[NDArray[np.float64]] = []
    relevance: list[NDArray[np.float64]] = []
    groups: list[NDArray[np.int64]] = []
    standardised: list[NDArray[np.float32]] = []
    for user in users.tolist():
        history, taken = before.history(user), after.history(user)
        moment = float(taken.times[0])
        policy = settings.candidates
        allowed = (
            shown
            & early.facts.published_by(moment)
            & unseen(history, len(shown), policy.seen, policy.seen_days, moment)
        )
        pool = gather(early.generators, policy.quotas, history, allowed)
        marks = np.zeros(len(shown))
        np.maximum.at(marks, taken.items, taken.weights)
        if not marks[pool.items].any():
            continue  # nothing that the user took is among the candidates: there is nothing to order
        tables.append(early.table(pool, history, moment))
        relevance.append(marks[pool.items])
        groups.append(np.full(len(pool), len(groups)))
        standardised.append(pool.standardised())
    if not tables:
        return Lists(np.zeros((0, len(early.names))), np.zeros(0), np.zeros(0, np.int64), np.zeros((0, 0)))
    return Lists(
        np.concatenate(tables), np.concatenate(relevance), np.concatenate(groups),
        np.concatenate(standardised).astype(np.float64),
    )  # fmt: skip


def _learn(early: Model, lists: Lists, settings: RecommendationSettings) -> Model:
    """Weigh the generators, then let trees correct what the weights get wrong; unchanged where there is too little."""
    count = len(np.unique(lists.groups))
    if count < FEWEST_LISTS:
        return early
    weights = fit_weights(lists.generators, lists.relevance, lists.groups)
    judged = np.random.default_rng(settings.seed).random(count) < JUDGED_SHARE
    ranking = settings.ranking
    grown = TreeSettings(ranking.trees, ranking.leaves, ranking.learning_rate, ranking.monotone, settings.seed)
    trees = grow_ranking(
        lists.table, lists.relevance, lists.groups, judged[lists.groups], early.names, grown, lists.generators @ weights
    )
    return replace(early, weights=dict(zip(early.generators, weights.tolist(), strict=True)), trees=trees)


def _curve(
    early: Model, before: Interactions, after: Interactions, rankings: Sequence[Ranking], moment: float
) -> ClickCurve | None:
    """Fit probabilities on rankings that were shown after the moment, with the histories of that moment."""
    numbers = {user: i for i, user in enumerate(before.users)}
    scores, places, clicked = [], [], []
    for ranking in rankings:
        if ranking.time < moment or ranking.user not in numbers:
            continue
        user = numbers[ranking.user]
        known = [(early.catalogue.index[i], p) for p, i in enumerate(ranking.items, 1) if i in early.catalogue.index]
        if not known:
            continue
        items = np.array([item for item, _ in known])
        history = before.history(user)
        pool = pool_of(early, items, before, user)
        taken = after.history(user)
        soon = (taken.times >= ranking.time) & (taken.times < ranking.time + WINDOW_SECONDS)
        scores.append(early.scores(pool, history, ranking.time))
        places.append([place for _, place in known])
        clicked.append(np.isin(items, taken.items[soon]))
    if not scores:
        return None
    return fit_clicks(np.concatenate(scores), np.concatenate(places), np.concatenate(clicked))


WINDOW_SECONDS = 3600.0
"""An item that is taken so soon after it was shown counts as clicked there."""


def pool_of(model: Model, items: NDArray[np.int64], interactions: Interactions, user: int) -> Pool:
    """Return given items as a pool, whoever would have brought them."""
    history = interactions.history(user)
    names = tuple(model.generators)
    scores = [padded(model.generators[name].scores(history), len(model.catalogue))[items] for name in names]
    return Pool(items, np.stack(scores, axis=1), names, np.full(len(items), -1))
