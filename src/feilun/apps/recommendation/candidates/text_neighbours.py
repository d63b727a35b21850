"""Items whose texts mean what the user's last items mean: new items are found at once, from their words alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from feilun.apps.recommendation.candidates.generator import Scores
from feilun.apps.recommendation.catalogue import Catalogue
from feilun.apps.recommendation.interactions import History, Interactions

LAST = 30
"""Items of the history that are read."""

HALF = 8.0
"""An item counts half as much as one that was taken so many items later."""


@dataclass
class TextNeighbours:
    """A two-tower model: the user's tower is the weighted mean of the texts taken, the item's tower its own text.

    The common direction of all texts is taken out first: without that, encoders find every text like every other
    (Mu and Viswanath 2018).
    """

    vectors: Scores = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    def fit(self, interactions: Interactions, catalogue: Catalogue, now: float) -> Self:
        """Centre the items' vectors."""
        self.vectors = centred(catalogue.vectors)
        return self

    def scores(self, history: History) -> Scores:
        """Return the cosine with the user's interest, no less than 0."""
        interest = self.interest(history)
        cosines: Scores = np.maximum(self.vectors @ interest, 0)
        return cosines

    def interest(self, history: History) -> Scores:
        """Return the user's vector, of unit length; zero without a history; shape (width,)."""
        items, weights = history.items[-LAST:], history.weights[-LAST:]
        ages = np.arange(len(items))[::-1]
        found: Scores = ((weights * 0.5 ** (ages / HALF)) @ self.vectors[items]).astype(np.float32)
        length = float(np.linalg.norm(found))
        return np.asarray(found / length if length > 0 else found)


def centred(vectors: Scores) -> Scores:
    """Take out the mean direction and return to unit length; zero vectors stay."""
    there = np.linalg.norm(vectors, axis=1) > 0
    if there.sum() < 2:
        return vectors
    moved: Scores = np.where(there[:, None], vectors - vectors[there].mean(0), 0)
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    unit: Scores = np.divide(moved, lengths, out=np.zeros_like(moved), where=lengths > 1e-6).astype(np.float32)
    return unit
