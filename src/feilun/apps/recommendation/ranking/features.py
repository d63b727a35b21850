"""What the final ranking knows of a user and a candidate; an unknown value is NaN, which LightGBM takes as such."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from feilun.apps.recommendation.candidates.fusion import Pool
from feilun.apps.recommendation.candidates.table import GENERATORS
from feilun.apps.recommendation.ranking.context_lift import Lifts, lift_columns, lift_name, lifts_of
from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.context import Situation
from feilun.apps.recommendation.records.interactions import DAY, History, Interactions
from feilun.apps.recommendation.records.sparse_rows import products_of, total_of

OWN = (
    "text_similarity", "nearest_taken", "popularity", "age_days", "price", "price_ratio", "category_share",
    "creator_share", "history_length", "hour", "weekday", "visit_similarity",
)  # fmt: skip
FEATURES = (*GENERATORS, *OWN)
"""Names of the features of every application: the generators' standardised scores, and the others."""

COLLABORATIVE = ("ease", "als", "item-neighbours")
TEXTUAL = ("text", "interest", "text_similarity", "nearest_taken", "visit_similarity")
CONTEXTUAL = (
    "trending", "popular-in-segment", "recent", "recent-in-segment", "age_days", "price", "price_ratio", "hour",
    "weekday", "history_length", "visit_similarity",
)  # fmt: skip

LAST = 20
"""Items of the history to which a candidate is compared."""

Table = NDArray[np.float64]


@dataclass(frozen=True)
class ItemFacts:
    """Columns of the items, computed once.

    Args:
        popularity: log(1 + interactions), shape (items,).
        published: Seconds since 1970, NaN where unknown, shape (items,).
        price: log(1 + price), NaN where unknown, shape (items,).
        creator: Number of the creator, -1 for none, shape (items,).
        member: Which item is in which category, shape (items, categories).
        vectors: Centred text vectors, shape (items, width).
        lifts: How much more often each value of a context goes with each item than with all.
    """

    popularity: Table
    published: Table
    price: Table
    creator: NDArray[np.int64]
    member: sparse.csr_matrix
    vectors: NDArray[np.float32]
    lifts: Lifts

    def published_by(self, moment: float) -> NDArray[np.bool_]:
        """Return which items there are at a moment, those of unknown age among them, shape (items,)."""
        return ~(self.published > moment)


def features_of(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the names of all features of an application with these columns of context."""
    return (*FEATURES, *map(lift_name, columns))


def facts_of(catalogue: Catalogue, interactions: Interactions, vectors: NDArray[np.float32]) -> ItemFacts:
    """Lay out what features need of the items.

    Args:
        catalogue: The items.
        interactions: With them, or with fewer where items came later.
        vectors: Centred text vectors, shape (items, width).
    """
    items = catalogue.items
    counts = interactions.popularity()
    counts = np.pad(counts, (0, len(items) - len(counts)))
    return ItemFacts(
        np.log1p(counts),
        catalogue.published,
        np.log1p(np.array([np.nan if item.price is None else item.price for item in items])),
        catalogue.creators(),
        catalogue.category_matrix(),
        vectors,
        lifts_of(interactions, catalogue),
    )


def table_of(
    pool: Pool, history: History, facts: ItemFacts, situation: Situation, names: Sequence[str] = FEATURES
) -> Table:
    """Compute the features of a user's candidates.

    Args:
        pool: The candidates.
        history: What the user took before.
        facts: Of the items.
        situation: When and in what context the list is asked for.
        names: The features wanted.

    Returns:
        Shape (candidates, names).
    """
    items, now = pool.items, situation.moment
    moment = datetime.fromtimestamp(now, UTC)
    found: dict[str, NDArray[np.floating]] = {
        "popularity": facts.popularity[items],
        "age_days": np.maximum(now - facts.published[items], 0) / DAY,
        "price": facts.price[items],
        "history_length": np.full(len(items), np.log1p(len(history))),
        "hour": np.full(len(items), moment.hour),
        "weekday": np.full(len(items), moment.weekday()),
        **dict(zip(pool.names, pool.standardised.T, strict=True)),
        **_beside_history(items, history, facts),
        **lift_columns(facts.lifts, situation.context, items),
    }
    unknown = np.full(len(items), np.nan)
    return np.stack([found.get(name, unknown) for name in names], axis=1).astype(np.float64)


def _beside_history(items: NDArray[np.int64], history: History, facts: ItemFacts) -> dict[str, Table]:
    """Compare candidates with what was taken; nothing can be said without a history."""
    if not len(history):
        return {}
    last = history.items[-LAST:]
    weights = history.shares()
    cosines = facts.vectors[items] @ facts.vectors[last].T  # (candidates, last)
    prices = facts.price[history.items]
    usual = float(np.nanmean(prices)) if not np.isnan(prices).all() else np.nan
    visit = min(history.visit, len(last))
    creators = facts.creator[history.items]
    same = facts.creator[items][:, None] == np.where(creators < 0, -2, creators)[None]
    return {
        "text_similarity": cosines.mean(1),
        "nearest_taken": cosines.max(1),
        "visit_similarity": cosines[:, -visit:].mean(1) if visit else np.full(len(items), np.nan),
        "price_ratio": facts.price[items] - usual,
        "category_share": products_of(facts.member, items, total_of(facts.member, history.items, weights)),
        "creator_share": same @ weights,
    }
