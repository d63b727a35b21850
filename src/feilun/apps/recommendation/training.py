"""A recommender learns in two stages: generators on what came before a moment, the final ranking on what came after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.catalogue import Catalogue
from feilun.apps.recommendation.click_probability import ClickCurve
from feilun.apps.recommendation.events import Ranking
from feilun.apps.recommendation.exposures import candidates, fit_chances, impressions
from feilun.apps.recommendation.features import FEATURES
from feilun.apps.recommendation.fusion import gather
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
"""Share of the users whose lists only decide when trees stop, and to whom chances are fitted."""


@dataclass(frozen=True)
class Lists:
    """Candidate lists with what was taken of them.

    Args:
        table: Features, shape (rows, FEATURES).
        relevance: Shape (rows,).
        groups: Number of the list, ascending, shape (rows,).
        generators: Their standardised scores, shape (rows, generators).
        judged: Lists that only decide when trees stop, shape (lists,).
    """

    table: NDArray[np.float64]
    relevance: NDArray[np.float64]
    groups: NDArray[np.int64]
    generators: NDArray[np.float64]
    judged: NDArray[np.bool_]


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
        rankings: What was shown, for the probability of a click; those of users that the trees learned nothing from.
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
    source = np.random.default_rng(settings.seed)
    users = np.unique(after.user)
    users = np.sort(source.choice(users, min(MOST_LISTS, len(users)), replace=False))
    judged = source.random(len(users)) < JUDGED_SHARE
    early = _learn(early, _lists(early, before, after, users, judged, settings), settings)
    if early.trees is None:
        return replace(final, names=names)
    clicks = _chances(early, (before, after, interactions), rankings, users, judged, settings)
    return replace(final, names=names, weights=early.weights, trees=early.trees, clicks=clicks)


def _lists(
    early: Model, before: Interactions, after: Interactions, users: NDArray[np.int64], judged: NDArray[np.bool_],
    settings: RecommendationSettings,
) -> Lists:  # fmt: skip
    """Gather candidates for users as they were, and mark what they took afterwards."""
    shown = early.catalogue.shown
    tables: list[NDArray[np.float64]] = []
    relevance: list[NDArray[np.float64]] = []
    groups: list[NDArray[np.int64]] = []
    standardised: list[NDArray[np.float32]] = []
    held_out: list[bool] = []
    for user, only_judged in zip(users.tolist(), judged.tolist(), strict=True):
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
        held_out.append(only_judged)
    if not tables:
        nothing = np.zeros(0, np.int64)
        return Lists(np.zeros((0, len(early.names))), np.zeros(0), nothing, np.zeros((0, 0)), np.zeros(0, bool))
    return Lists(
        np.concatenate(tables), np.concatenate(relevance), np.concatenate(groups),
        np.concatenate(standardised).astype(np.float64), np.array(held_out),
    )  # fmt: skip


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


def _chances(
    early: Model, parts: tuple[Interactions, Interactions, Interactions], rankings: Sequence[Ranking],
    users: NDArray[np.int64], judged: NDArray[np.bool_], settings: RecommendationSettings,
) -> ClickCurve | None:  # fmt: skip
    """Fit chances to what was shown after the moment, else to what was taken next, of users the trees do not know."""
    before, after, everything = parts
    unknown = np.ones(len(everything.users), bool)
    unknown[users[~judged]] = False
    later = [ranking for ranking in rankings if ranking.time >= after.time.min()]
    shown = impressions(early, settings.candidates, everything, later, unknown, settings.seed)
    return fit_chances(shown) or fit_chances(candidates(early, settings.candidates, before, after, users[judged]))
