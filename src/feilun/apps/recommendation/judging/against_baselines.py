"""A recommender beside the baselines, on the same held-out interactions and the whole catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.candidates.als import AlternatingLeastSquares
from feilun.apps.recommendation.candidates.fusion import gather
from feilun.apps.recommendation.candidates.generator import Generator
from feilun.apps.recommendation.candidates.item_neighbours import ItemNeighbours
from feilun.apps.recommendation.candidates.popular import Popular
from feilun.apps.recommendation.candidates.scoring import padded
from feilun.apps.recommendation.ranking.model import Model
from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.context import Context, Situation
from feilun.apps.recommendation.records.interactions import History, Interactions
from feilun.core.report import Figure
from feilun.evaluation.metrics.arithmetic import Floats
from feilun.evaluation.metrics.catalogue import catalogue_figures
from feilun.evaluation.metrics.ranking import DEPTH, gains_of_lists, means, per_query, top_items

BASELINES: Mapping[str, Callable[[], Generator]] = {
    "popularity": Popular,
    "item-kNN": ItemNeighbours,
    "ALS": AlternatingLeastSquares,
}
"""What a recommender must beat to be worth its cost."""

FAR_BELOW = 1e6
"""Items that are no candidates stand so far below the others, all alike."""


@dataclass(frozen=True)
class Segment:
    """Some of the users.

    Args:
        users: How many.
        figures: As of all.
    """

    users: int
    figures: Mapping[str, Figure]


@dataclass(frozen=True)
class Judged:
    """Figures of one recommender.

    Args:
        figures: ndcg@10, recall@10, … with intervals over users.
        catalogue: coverage, gini, novelty, diversity, popularity_lift.
        segments: By how much is known of the users: newcomers (nothing), light (at most as much as of half of the
            others) and heavy.
    """

    figures: Mapping[str, Figure]
    catalogue: Mapping[str, float]
    segments: Mapping[str, Segment]


Scorer = Callable[[int, History, float], NDArray[np.float32]]
"""From a user number, a history and the moment of asking to a score of each item, shape (items,)."""


def judge(
    scorer: Scorer,
    known: Interactions,
    held_out: Interactions,
    catalogue: Catalogue,
    *,
    masked: Interactions | None = None,
    only: NDArray[np.bool_] | None = None,
    depth: int = DEPTH,
    resamples: int = 1000,
) -> Judged:
    """Rank the whole catalogue for each user with held-out interactions, as of the first of them.

    Args:
        scorer: What is judged.
        known: Its training interactions: they are the histories, and their items are not ranked again.
        held_out: What is to be found; with items already known, or not published by then, left out of account.
        catalogue: The items.
        masked: Further interactions whose items are not ranked (validation ones, when test ones are to be found).
        only: Rank only these items, shape (items,); held-out interactions with others are left out of account.
        depth: Length of the lists.
        resamples: Of the intervals.

    Returns:
        The figures.
    """
    users = np.unique(held_out.user)
    place = {user: i for i, user in enumerate(users.tolist())}
    lists = np.full((len(users), min(depth, len(catalogue))), -1)
    fresh = np.ones(len(held_out), bool)
    published = catalogue.published
    for user, row in place.items():
        history = known.history(user)
        start, end = np.searchsorted(held_out.user, [user, user + 1])
        moment = float(held_out.time[start])
        out = published > moment
        out[history.items] = True
        if masked is not None:
            out[masked.history(user).items] = True
        if only is not None:
            out |= ~only
        scores = np.where(out, -np.inf, scorer(user, history, moment).astype(np.float64))
        lists[row] = top_items(scores[None], depth)[0]
        fresh[start:end] = ~out[held_out.item[start:end]]
    rows = np.array([place[user] for user in held_out.user[fresh].tolist()], dtype=np.int64)
    gains = gains_of_lists(lists, rows, held_out.item[fresh], (len(users), len(catalogue)))
    popularity = known.popularity()
    consumed = np.array([popularity[h.items].mean() if len(h := known.history(u)) else 0.0 for u in place])
    found = per_query(*gains, depth)
    return Judged(
        means(found, resamples),
        catalogue_figures(lists, popularity, catalogue.vectors.astype(np.float64), consumed),
        _by_segment(found, np.array([len(known.history(user)) for user in place]), resamples),
    )


def _by_segment(figures: Mapping[str, Floats], known: NDArray[np.int64], resamples: int) -> dict[str, Segment]:
    """Average figures over users of whom nothing, little and much is known, shapes (users,)."""
    usual = np.median(known[known > 0]) if (known > 0).any() else 0
    parts = {"newcomers": known == 0, "light": (known > 0) & (known <= usual), "heavy": known > usual}
    return {
        name: Segment(int(rows.sum()), means({metric: one[rows] for metric, one in figures.items()}, resamples))
        for name, rows in parts.items()
        if rows.any()
    }


def scorer_of(generator: Generator, items: int) -> Scorer:
    """Return a generator as what can be judged."""
    return lambda _, history, __: padded(generator.scores(history), items)


def scorer_of_model(
    model: Model,
    quotas: Mapping[str, int],
    shown: NDArray[np.bool_],
    context_of: Callable[[int, float], Context] = lambda _, __: {},
) -> Scorer:
    """Return a model as what can be judged: candidates in their final order, all other items behind them.

    Args:
        model: The model.
        quotas: Of its generators.
        shown: Which items may be candidates, shape (items,).
        context_of: From a user number and a moment to the context in which the user asks.
    """

    def scores(user: int, history: History, moment: float) -> NDArray[np.float32]:
        allowed = shown & model.facts.published_by(moment)
        allowed[history.items] = False
        history = model.looked_at(history, moment)
        situation = Situation(moment, context_of(user, moment))
        pool = gather(model.generators, quotas, history, situation, allowed)
        found = np.full(len(model.catalogue), -FAR_BELOW)
        found[pool.items] = model.scores(pool, history, situation)
        return found.astype(np.float32)

    return scores
