"""Matrix factorisation for implicit feedback (Hu, Koren and Volinsky 2008), by the library implicit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.candidates.max_inner_product import MaxInnerProduct
from feilun.apps.recommendation.candidates.scoring import FEWEST_SEARCHED, AllScores, Scores, Scoring
from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.interactions import History, Interactions


@dataclass
class AlternatingLeastSquares:
    """Item factors; a user's are solved from what was taken when they are asked for, so an event counts at once.

    Args:
        factors: Width.
        regularization: Ridge.
        confidence: Of an interaction of mean weight, an absent one having 1.
        iterations: Sweeps over users and items.
        seed: Of the first factors.
        scale: Mean weight in training.
        items: Shape (items, factors).
        gram: Their products, with the ridge, shape (factors, factors).
        longest: Finds the best of them; None where they are few.
    """

    factors: int = 32
    regularization: float = 30.0
    confidence: float = 3.0
    iterations: int = 15
    seed: int = 13
    scale: float = 1.0
    items: Scores = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    gram: Scores = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    longest: MaxInnerProduct | None = None

    def fit(self, interactions: Interactions, catalogue: Catalogue, now: float) -> Self:
        """Sweep."""
        from implicit.cpu.als import AlternatingLeastSquares as Library
        from threadpoolctl import threadpool_limits

        matrix = interactions.matrix()
        self.scale = float(matrix.data.mean()) if matrix.nnz else 1.0
        matrix.data = (1 + (self.confidence - 1) * matrix.data / self.scale).astype(np.float32)
        with threadpool_limits(1, "blas"):  # the products are small: threads would only wait for each other
            model = Library(
                factors=self.factors, regularization=self.regularization, alpha=1.0, iterations=self.iterations,
                num_threads=1, random_state=self.seed,
            )  # fmt: skip
            model.fit(matrix, show_progress=False)
        self.items = np.asarray(model.item_factors, dtype=np.float32)
        return self.prepare()

    def prepare(self) -> Self:
        """Compute what answers need of the factors."""
        self.longest = MaxInnerProduct(self.items) if len(self.items) >= FEWEST_SEARCHED else None
        self.gram = self.items.T @ self.items + self.regularization * np.eye(self.factors, dtype=np.float32)
        return self

    def user(self, history: History) -> Scores:
        """Return the factors of a user who took something, shape (factors,)."""
        taken = self.items[history.items]
        more = ((self.confidence - 1) * history.weights / self.scale).astype(np.float32)
        gram = self.gram + (taken.T * more) @ taken
        solved: Scores = np.linalg.solve(gram, (1 + more) @ taken)
        return solved.astype(np.float32)

    def scores(self, history: History) -> Scores:
        """Return the products with the user's factors, no less than 0."""
        history = history.within(len(self.items))
        if not len(history):
            return np.zeros(len(self.items), np.float32)
        products: Scores = np.maximum(self.items @ self.user(history), 0)
        return products

    def scoring(self, history: History, items: int) -> Scoring:
        """Return the scores of a request: of many items only those that are asked about."""
        known = history.within(len(self.items))
        if self.longest is None or not len(known):
            return AllScores(self.scores(history), items)
        return Products(self.items, self.longest, self.user(known))


@dataclass(frozen=True)
class Products:
    """Products of vectors with one, computed for those that are asked about.

    Args:
        vectors: Shape (items, width).
        longest: The same, to be searched.
        query: Shape (width,).
    """

    vectors: Scores
    longest: MaxInnerProduct
    query: Scores

    def best(self, allowed: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
        """Return the allowed items with the largest products above 0, best first, shape (at most count,)."""
        return self.longest.best(self.query, allowed, count)

    def of(self, items: NDArray[np.int64]) -> Scores:
        """Return the products of some items, no less than 0; NaN where there is no vector, shape (asked,)."""
        found = np.full(len(items), np.nan, np.float32)
        known = items < len(self.vectors)
        found[known] = np.maximum(self.vectors[items[known]] @ self.query, 0)
        return found
