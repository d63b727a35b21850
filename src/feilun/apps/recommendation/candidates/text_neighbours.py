"""Items whose texts mean what the user likes: new items are found at once, from their words alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from feilun.apps.recommendation.candidates.als import AlternatingLeastSquares
from feilun.apps.recommendation.candidates.scoring import FEWEST_SEARCHED, AllScores, Scores, Scoring
from feilun.apps.recommendation.candidates.searched_texts import PLAIN_WEIGHT, SearchedTexts, searched_again
from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.interactions import History, Interactions

FEWEST_INTERACTIONS = 500
"""Below this nothing is learned of what matters in a text: its plain meaning is compared."""

RIDGE = 1.0
SURE_AFTER = 50
"""Interactions after which an item counts fully in learning."""


@dataclass
class TextNeighbours:
    """Both towers read texts alone: items are mapped from their texts to where their takers would put them.

    The map is a ridge regression from text vectors to the factors of a matrix factorisation (Gantner et al. 2010), so
    that it learns which of the meanings matter to these users. A user is solved from the mapped texts of what was
    taken. The common direction of all texts is taken out first: encoders find every text like every other without
    (Mu and Viswanath 2018).

    Args:
        centre: The common direction, shape (width,).
        vectors: Unit vectors of the texts without it, shape (items, width).
        directions: The map, its last row what all items share, shape (width + 1, factors); None where none was learned.
        mapped: The factorisation with the mapped texts as its items.
        learned: A factorisation of the same interactions; where absent, one is made.
        searched: Of many items, what finds the best of them; None where they are few or nothing was learned.
    """

    centre: Scores = field(default_factory=lambda: np.zeros(0, np.float32))
    vectors: Scores = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    directions: Scores | None = None
    mapped: AlternatingLeastSquares = field(default_factory=AlternatingLeastSquares)
    learned: AlternatingLeastSquares | None = None
    searched: SearchedTexts | None = None

    def fit(self, interactions: Interactions, catalogue: Catalogue, now: float) -> Self:
        """Learn the map, where there is enough to learn it from."""
        self.centre = common(catalogue.vectors)
        self.vectors = centred(catalogue.vectors, self.centre)
        if len(interactions) >= FEWEST_INTERACTIONS:
            taken = interactions.popularity()
            self.mapped = replace(self.learned or self.mapped.fit(interactions, catalogue, now))
            sure = np.minimum(taken, SURE_AFTER)[:, None] / SURE_AFTER
            texts = _with_one(self.vectors).astype(np.float64)
            ridge = RIDGE * np.eye(texts.shape[1])
            ridge[-1, -1] = 1e-6
            self.directions = np.linalg.solve(texts.T @ (sure * texts) + ridge, texts.T @ (sure * self.mapped.items))
        self.learned = None
        return self.again(interactions, catalogue, now)

    def again(self, interactions: Interactions, catalogue: Catalogue, now: float) -> Self:
        """Take further items in, by the map that was learned."""
        self.vectors = centred(catalogue.vectors, self.centre)
        if self.directions is not None:
            self.mapped.items = (_with_one(self.vectors) @ self.directions).astype(np.float32)
            self.mapped.items[~catalogue.vectors.any(axis=1)] = 0
            self.mapped.prepare()
            if len(self.vectors) >= FEWEST_SEARCHED:
                self.searched = searched_again(self.searched, self.mapped.items, self.vectors)
        return self

    def scores(self, history: History) -> Scores:
        """Return how well each text fits what was taken, no less than 0."""
        if not len(history):
            return np.zeros(len(self.vectors), np.float32)
        plain: Scores = np.maximum(self.vectors @ (history.weights.astype(np.float32) @ self.vectors[history.items]), 0)
        if self.directions is None:
            return plain
        return _up_to_one(self.mapped.scores(history)) + PLAIN_WEIGHT * _up_to_one(plain)

    def scoring(self, history: History, items: int) -> Scoring:
        """Return the scores of a request: of many items those that a search finds, and those that are asked about."""
        if self.searched is None or not len(history) or history.items.max() >= len(self.vectors):
            return AllScores(self.scores(history), items)
        plain = history.weights.astype(np.float32) @ self.vectors[history.items]
        return self.searched.scoring(self.mapped.user(history), plain, lambda: AllScores(self.scores(history), items))


def _up_to_one(scores: Scores) -> Scores:
    largest = scores.max(initial=0)
    return scores / largest if largest > 0 else scores


def common(vectors: Scores) -> Scores:
    """Return the mean of the texts that there are, shape (width,); zero for fewer than two."""
    there = np.asarray(vectors.any(axis=1))
    mean: Scores = vectors[there].mean(0) if there.sum() > 1 else np.zeros(vectors.shape[1], np.float32)
    return mean


def centred(vectors: Scores, centre: Scores) -> Scores:
    """Take a direction out of vectors and return to unit length; zero vectors stay."""
    moved: Scores = np.where(vectors.any(axis=1, keepdims=True), vectors - centre, 0)
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    unit: Scores = np.divide(moved, lengths, out=np.zeros_like(moved), where=lengths > 1e-6).astype(np.float32)
    return unit


def _with_one(vectors: Scores) -> Scores:
    return np.concatenate([vectors, np.ones((len(vectors), 1), np.float32)], axis=1)
