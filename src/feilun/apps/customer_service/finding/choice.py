"""Which candidate is meant, or none: a conditional logit over candidates and the option "nothing fits".

Each candidate's utility is linear in its features, that of "nothing fits" is 0; their exponentials, put to a sum of 1,
are probabilities (McFadden 1974). One model orders the candidates and says how sure the first is: two that are equally
close halve each other's probability, and far ones leave it to "nothing fits".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RIDGE = 1.0
STEPS = 100
LONGEST_STEP = 2.0
"""Newton's steps are cut to it: the likelihood is concave, but not quadratic."""

NOTHING = -1
"""The place of the right candidate where none is right."""

Features = NDArray[np.float64]
"""Of a question's candidates, shape (candidates, features)."""


@dataclass(frozen=True)
class Choice:
    """A fitted conditional logit.

    Args:
        weights: One a feature, then the constant, shape (features + 1,).
    """

    weights: NDArray[np.float64]

    def probabilities(self, features: Features) -> NDArray[np.float64]:
        """Return the probability that each candidate is the right one, shape (candidates,)."""
        return _shares(features @ self.weights[:-1] + self.weights[-1])


def place_of(right: str | None, ids: Sequence[str]) -> int:
    """Return the place of the right candidate, or `NOTHING` where it is none of them."""
    return NOTHING if right is None or right not in ids else ids.index(right)


def fit_choice(cases: Sequence[tuple[Features, int]]) -> Choice:
    """Fit the weights by Newton's method on the ridge-penalised likelihood.

    Args:
        cases: Of each question the candidates' features and the place of the right one, or `NOTHING`; those without a
            candidate teach nothing.
    """
    cases = [(features, right) for features, right in cases if len(features)]
    every = np.concatenate([features for features, _ in cases])
    mean, spread = every.mean(axis=0), np.maximum(every.std(axis=0), 1e-9)
    rows = [np.column_stack([(features - mean) / spread, np.ones(len(features))]) for features, _ in cases]
    weights = _newton(rows, [right for _, right in cases])
    slopes = weights[:-1] / spread
    return Choice(np.append(slopes, weights[-1] - slopes @ mean))


def _newton(rows: Sequence[Features], right: Sequence[int]) -> NDArray[np.float64]:
    weights = np.zeros(rows[0].shape[1])
    penalty = RIDGE * np.eye(len(weights))
    penalty[-1, -1] = 1e-3  # the constant says how often nothing fits: it is not drawn to 0
    for _ in range(STEPS):
        gradient, curvature = penalty @ weights, penalty.copy()
        for features, place in zip(rows, right, strict=True):
            shares = _shares(features @ weights)
            mean = shares @ features
            gradient += mean - (0.0 if place == NOTHING else features[place])
            curvature += (features * shares[:, None]).T @ features - np.outer(mean, mean)
        step = np.linalg.solve(curvature, gradient)
        longest = float(np.abs(step).max())
        weights = weights - step * min(1.0, LONGEST_STEP / max(longest, 1e-12))
        if longest < 1e-8:
            break
    return weights


def _shares(utilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the softmax over utilities and a 0 for "nothing fits", without that last share."""
    highest = max(float(utilities.max(initial=0.0)), 0.0)
    powers = np.exp(utilities - highest)
    shares: NDArray[np.float64] = powers / (powers.sum() + np.exp(-highest))
    return shares
