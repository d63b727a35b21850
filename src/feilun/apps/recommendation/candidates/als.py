"""Matrix factorisation for implicit feedback (Hu, Koren and Volinsky 2008), by the library implicit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from feilun.apps.recommendation.candidates.generator import Scores
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
    """

    factors: int = 32
    regularization: float = 30.0
    confidence: float = 3.0
    iterations: int = 15
    seed: int = 13
    scale: float = 1.0
    items: Scores = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    gram: Scores = field(default_factory=lambda: np.zeros((0, 0), np.float32))

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
        self.gram = self.items.T @ self.items + self.regularization * np.eye(self.factors, dtype=np.float32)
        return self

    def scores(self, history: History) -> Scores:
        """Return the products with the user's factors, no less than 0."""
        history = history.within(len(self.items))
        if not len(history):
            return np.zeros(len(self.items), np.float32)
        taken = self.items[history.items]
        more = ((self.confidence - 1) * history.weights / self.scale).astype(np.float32)
        user = np.linalg.solve(self.gram + (taken.T * more) @ taken, (1 + more) @ taken)
        return np.maximum(self.items @ user.astype(np.float32), 0)
