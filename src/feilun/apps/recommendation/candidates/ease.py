"""A linear item–item model in closed form (EASE, Steck 2019; with dropout's ridge, EDLAE, Steck 2020)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.candidates.scoring import Scores
from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.interactions import History, Interactions


@dataclass
class Ease:
    """A weight from each item to each, none to itself; over the items most taken, as the matrix is dense.

    Args:
        ridge: Added to the diagonal of the Gram matrix.
        dropout: Added too, times the diagonal.
        most_items: Items that take part; 4,000 of them are 64 MB.
        chosen: Their numbers, shape (taking part,).
        weights: Shape (taking part, taking part).
        place: Of each item, its row in `weights`, -1 for none, shape (items,).
        largest: Largest weight.
    """

    ridge: float = 150.0
    dropout: float = 1.0
    most_items: int = 4_000
    chosen: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    weights: Scores = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    place: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    largest: float = 0.0

    def fit(self, interactions: Interactions, catalogue: Catalogue, now: float) -> Self:
        """Solve for the weights."""
        taken = interactions.popularity()
        order = np.argsort(-taken, kind="stable")[: self.most_items]
        self.chosen = np.sort(order[taken[order] > 0])
        self.place = np.full(len(catalogue), -1, np.int64)
        self.place[self.chosen] = np.arange(len(self.chosen))
        matrix = interactions.matrix()[:, self.chosen]
        scale = float(matrix.data.mean()) if matrix.nnz else 1.0  # so that the ridge means the same for all weights
        gram = np.asarray((matrix.T @ matrix).todense(), dtype=np.float64) / scale**2
        diagonal = np.diag(gram).copy()
        gram[np.diag_indices_from(gram)] += self.ridge + self.dropout * diagonal
        inverse = np.linalg.inv(gram)
        found = -inverse / np.diag(inverse)
        np.fill_diagonal(found, 0)
        self.weights = found.astype(np.float32)
        self.largest = float(self.weights.max(initial=0))
        return self

    def links(self, taken: NDArray[np.int64], items: NDArray[np.int64]) -> Scores:
        """Return what each taken item says for others, 1 being the strongest link of all, shape (taken, items)."""
        found = np.zeros((len(taken), len(items)), np.float32)
        if self.largest > 0:
            rows, columns = self._places(taken), self._places(items)
            known = np.ix_(rows >= 0, columns >= 0)
            weights = self.weights[np.ix_(rows[rows >= 0], columns[columns >= 0])]
            found[known] = np.maximum(weights, 0) / self.largest
        return found

    def _places(self, items: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row in `weights` of each item, -1 for those that take no part, shape (items,)."""
        known = items < len(self.place)
        found = np.full(len(items), -1)
        found[known] = self.place[items[known]]
        return found

    def scores(self, history: History) -> Scores:
        """Return the weighted sum of the rows of what was taken, no less than 0."""
        history = history.within(len(self.place))
        found = np.zeros(len(self.place), np.float32)
        rows = self.place[history.items]
        known = rows >= 0
        weights = history.weights[known].astype(np.float32)
        found[self.chosen] = np.maximum(weights @ self.weights[rows[known]], 0)
        return found
