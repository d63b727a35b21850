"""Text neighbours of many items: what was learned of the texts and the texts themselves, searched together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.candidates.inverted_lists import InvertedLists
from feilun.apps.recommendation.candidates.scoring import AllScores, Scores, Scoring, best

PLAIN_WEIGHT = 0.5
"""Of the texts' own nearness beside what was learned (docs/benchmarks.md, "Recommendation")."""

MOST_BESIDE = 0.02
"""Share of items beside the lists, new or changed since these were made, from which on they are made anew."""


@dataclass(frozen=True)
class SearchedTexts:
    """Vectors of the items, in lists of those that are near each other.

    Args:
        rows: What was learned of each text beside the text, each scaled to a usual length of 1, shape (items, width).
        factors: How many of the columns were learned.
        scale: The usual length of what was learned.
        lists: The rows when the lists were made.
        beside: Items that are new or changed since; they are always looked at.
    """

    rows: Scores
    factors: int
    scale: float
    lists: InvertedLists
    beside: NDArray[np.int64]

    def scoring(self, user: Scores, plain: Scores, everything: Callable[[], AllScores]) -> Scoring:
        """Return the scores of a request.

        Args:
            user: Factors of the user, shape (factors,).
            plain: Sum of the texts that the user took, shape (width of texts,).
            everything: Gives the scores of all items, should too few be found.
        """
        lists, queries = self.lists, (user, plain)
        near = [np.maximum(one, 0) for one in self.products(lists.centres, queries)]
        groups, parts = lists.near(_joined(near, [one.max() for one in near]))
        found = [self.products(lists.vectors[part], queries) for part in parts]
        found.append(self.products(self.rows[self.beside], queries))
        products = [np.maximum(np.concatenate(one), 0) for one in zip(*found, strict=True)]
        largest = [one.max(initial=0) for one in products]
        items = np.concatenate([groups, self.beside])
        return Found(self, queries, largest, items, _joined(products, largest), everything)

    def products(self, rows: Scores, queries: Sequence[Scores]) -> tuple[Scores, Scores]:
        """Return the products of what was learned, and of the texts, with a query each, shapes (rows,)."""
        return rows[:, : self.factors] @ queries[0], rows[:, self.factors :] @ queries[1]


@dataclass(frozen=True)
class Found:
    """What a search found.

    Args:
        texts: What was searched.
        queries: What for: factors of the user, and the sum of the texts taken.
        largest: Largest product with each.
        items: The items that were looked at, shape (looked at,).
        scores: Theirs, shape (looked at,).
        everything: Gives the scores of all items, should too few be found.
    """

    texts: SearchedTexts
    queries: Sequence[Scores]
    largest: Sequence[float]
    items: NDArray[np.int64]
    scores: Scores
    everything: Callable[[], AllScores]

    def best(self, allowed: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
        """Return allowed items with the highest scores above 0, best first, shape (at most count,)."""
        found: NDArray[np.int64] = self.items[best(self.scores, allowed[self.items], count)]
        return found if len(found) == count else self.everything().best(allowed, count)

    def of(self, items: NDArray[np.int64]) -> Scores:
        """Return the scores of some items; NaN where an item came later, shape (asked,)."""
        found = np.full(len(items), np.nan, np.float32)
        known = items < len(self.texts.rows)
        products = self.texts.products(self.texts.rows[items[known]], self.queries)
        found[known] = _joined([np.maximum(one, 0) for one in products], self.largest)
        return found


def searched_again(former: SearchedTexts | None, mapped: Scores, vectors: Scores) -> SearchedTexts:
    """Return what searches the items as they are now; lists are made anew where many have changed.

    Args:
        former: What searched them before, if there is something; its lists are taken over.
        mapped: What was learned of each text, shape (items, factors).
        vectors: The texts, shape (items, width).
    """
    scale = former.scale if former else float(np.linalg.norm(mapped, axis=1).mean()) or 1.0
    rows = np.concatenate([mapped / scale, vectors], axis=1).astype(np.float32)
    if former is not None and len(rows) >= len(former.rows):
        known = len(former.rows)
        changed = np.flatnonzero((rows[:known] != former.rows).any(1))
        beside = np.unique(np.concatenate([former.beside, changed, np.arange(known, len(rows))]))
        if len(beside) <= MOST_BESIDE * len(rows):
            former.lists.leave_out(changed[changed < len(former.lists)])
            return SearchedTexts(rows, mapped.shape[1], scale, former.lists, beside)
    return SearchedTexts(rows, mapped.shape[1], scale, InvertedLists(rows), np.zeros(0, np.int64))


def _joined(products: Sequence[Scores], largest: Sequence[float]) -> Scores:
    """Return the two products as one score, each up to 1 of its own, shape (items,)."""
    learned, plain = (one / (most if most > 0 else 1) for one, most in zip(products, largest, strict=True))
    joined: Scores = learned + np.float32(PLAIN_WEIGHT) * plain
    return joined
