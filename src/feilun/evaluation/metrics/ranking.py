"""Figures of ranked lists, for recommendation and for search: one row of arrays a user or query, no loop over them.

Tied scores are ordered by a fixed random draw. A model that scores all alike then gets what chance gives, in whatever
order its candidates came; a stable sort would hand it the order of the file.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from feilun.core.report import Figure
from feilun.evaluation.metrics.arithmetic import Floats
from feilun.evaluation.resampling import intervals_of

TIE_SEED = 20_261
"""Seed of the order of tied scores."""

DEPTH = 10
"""Length of the list that is judged, where nobody says otherwise."""

NDCG = f"ndcg@{DEPTH}"


def best_first(scores: Floats, groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Order rows by group, and within each by score.

    Args:
        scores: Higher is better, shape (rows,).
        groups: The user or query of each row, shape (rows,).

    Returns:
        Row numbers, shape (rows,): the groups ascending, the best of each first.
    """
    drawn = np.random.default_rng(TIE_SEED).permutation(len(scores))
    return np.lexsort((drawn, -scores, groups))


def top_items(scores: Floats, depth: int) -> NDArray[np.int64]:
    """Return the best items of each user over the whole catalogue.

    Args:
        scores: Shape (users, items); minus infinity where an item may not be recommended.
        depth: How many.

    Returns:
        Item numbers, best first, shape (users, depth); -1 where no item is left.
    """
    depth = min(depth, scores.shape[1])
    drawn = np.random.default_rng(TIE_SEED).permutation(scores.shape[1])
    shuffled = scores[:, drawn]
    bound = np.partition(shuffled, -depth, axis=1)[:, [-depth]]
    order = np.where(shuffled >= bound, shuffled, -np.inf).argsort(axis=1, kind="stable")[:, ::-1][:, :depth]
    taken: NDArray[np.int64] = drawn[order]
    return np.where(np.isneginf(np.take_along_axis(scores, taken, axis=1)), -1, taken)


def gains_of_groups(
    scores: Floats, relevance: Floats, groups: NDArray[np.int64], depth: int = DEPTH
) -> tuple[Floats, Floats]:
    """Lay out the relevance of candidate lists by rank, as `per_query` wants it.

    Args:
        scores: Of each candidate, shape (rows,).
        relevance: Of each candidate, 0 where it is not relevant, shape (rows,).
        groups: The user or query of each candidate, shape (rows,).
        depth: Ranks to lay out.

    Returns:
        Relevance by rank as the model orders it, and all relevance of each group in falling order, of shapes
        (groups, depth) and (groups, largest group); zeros behind the end of a shorter list.
    """
    names, sizes = np.unique(groups, return_counts=True)
    widest = max(depth, int(sizes.max(initial=0)))
    starts = np.cumsum(sizes) - sizes
    rows = np.repeat(np.arange(len(names)), sizes)
    ranks = np.arange(len(groups)) - np.repeat(starts, sizes)
    laid = np.zeros((2, len(names), widest))
    for layer, by in enumerate((scores, relevance)):
        laid[layer, rows, ranks] = relevance[best_first(by, groups)]
    return laid[0][:, :depth], laid[1]


def gains_of_lists(
    recommended: NDArray[np.int64], users: NDArray[np.int64], items: NDArray[np.int64], shape: tuple[int, int]
) -> tuple[Floats, Floats]:
    """Lay out which recommended items were relevant, as `per_query` wants it.

    Args:
        recommended: Item numbers, best first, shape (users, depth); -1 for none.
        users: User of each relevant pair, shape (pairs,).
        items: Its item, shape (pairs,).
        shape: How many users and items there are.

    Returns:
        Hits by rank and the ideal list of each user, of shapes (users, depth) and (users, most relevant of a user).
    """
    keys = np.unique(users.astype(np.int64) * shape[1] + items)
    asked = np.arange(shape[0])[:, None] * shape[1] + recommended
    hits = np.isin(asked, keys) & (recommended >= 0)
    counts = np.bincount(keys // shape[1], minlength=shape[0])
    ideal = np.arange(max(1, counts.max(initial=0)))[None] < counts[:, None]
    return hits.astype(np.float64), ideal.astype(np.float64)


def per_query(gains: Floats, ideal: Floats, depth: int = DEPTH) -> dict[str, Floats]:
    """Compute the figures of each list.

    Args:
        gains: Relevance by rank, shape (queries, ranks); ranks behind `depth` are not looked at.
        ideal: All relevance of each query in falling order, shape (queries, any number).
        depth: Length of the list that is judged.

    Returns:
        By name, each of shape (queries,): ndcg (Järvelin and Kekäläinen 2002, linear gain), recall, precision, hr
        (any hit), mrr and map (mean average precision over all relevant ones, also those beyond the list), with
        `@depth` behind each name. A query to which nothing is relevant has NaN: there is nothing to find.
    """
    gains = gains[:, :depth]
    hits = gains > 0
    ranks = np.arange(1, gains.shape[1] + 1)
    relevant = (ideal > 0).sum(1).astype(np.float64)
    relevant[relevant == 0] = np.nan
    kept = ideal[:, :depth]
    best = (kept / np.log2(np.arange(2, kept.shape[1] + 2))).sum(1)
    known = np.where(np.isnan(relevant), np.nan, 1.0)
    first = np.where(hits.any(1), hits.argmax(1) + 1.0, np.inf)
    precision = hits.cumsum(1) / ranks
    figures = {
        "ndcg": (gains / np.log2(ranks + 1)).sum(1) / np.where(best > 0, best, np.nan),
        "recall": hits.sum(1) / relevant,
        "precision": hits.sum(1) / depth * known,
        "hr": hits.any(1) * known,
        "mrr": 1 / first * known,
        "map": (precision * hits).sum(1) / relevant,
    }
    return {f"{name}@{depth}": values for name, values in figures.items()}


def means(figures: Mapping[str, Floats], resamples: int = 1000, seed: int = 0) -> dict[str, Figure]:
    """Average figures over the queries that have something to find, with 95 % bootstrap intervals over queries.

    Args:
        figures: What `per_query` gives.
        resamples: Bootstrap samples; 0 leaves the intervals out.
        seed: Seed of the draws.

    Returns:
        By name; empty where no query has anything to find.
    """
    names = list(figures)
    table = np.stack([figures[name] for name in names], axis=1) if names else np.zeros((0, 0))
    table = table[~np.isnan(table).any(axis=1)]
    if not len(table):
        return {}
    ends = intervals_of(
        np.concatenate([table, np.ones((len(table), 1))], axis=1),
        lambda sums: {name: sums[:, i] / sums[:, -1] for i, name in enumerate(names)},
        resamples, seed,
    )  # fmt: skip
    bounds = {name: (float(low), float(high)) for name, (low, high) in ends.items()}
    return {name: Figure(float(table[:, i].mean()), *bounds.get(name, (None, None))) for i, name in enumerate(names)}
