"""How likely a click is: a logistic curve over the final ranking's score and the place in the list (Platt 1999)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Basis = Literal["impressions", "next"]
"""Whether a shown item is clicked, or whether a candidate is what the user takes next, shown or not."""

FEWEST_SHOWN = 200
FEWEST_CLICKS = 20
RIDGE = 1e-3
SWEEPS = 30


@dataclass(frozen=True)
class ClickCurve:
    """Log-odds = level + slope × score + bias × log(place).

    The bias belongs to the place, not to the item: probabilities are told for the first place, so that two lists can
    be compared (position-debiased).

    Args:
        level: Log-odds at score 0 in the first place.
        slope: Of the score.
        bias: Of the place.
        basis: What the probability is of.
        base_rate: Share of the rows it was fitted to that were taken.
        rows: How many these were.
    """

    level: float
    slope: float
    bias: float
    basis: Basis = "impressions"
    base_rate: float = 0.0
    rows: int = 0

    def probabilities(
        self, scores: NDArray[np.float64], places: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """Return probabilities, shape (rows,).

        Args:
            scores: The final ranking's, shape (rows,).
            places: From 1; the first for all where absent, shape (rows,).
        """
        bias = 0.0 if places is None else self.bias * np.log(places)
        return np.asarray(1 / (1 + np.exp(-(self.level + self.slope * scores + bias))))


def fit_clicks(scores: NDArray[np.float64], places: NDArray[np.int64], clicked: NDArray[np.bool_]) -> ClickCurve | None:
    """Fit the curve to what was shown, by Newton's method.

    Args:
        scores: The final ranking's, of a model that had not seen these events, shape (rows,).
        places: In the list, from 1, shape (rows,).
        clicked: Shape (rows,).

    Returns:
        The curve; None where too little was shown or clicked to tell.
    """
    if len(scores) < FEWEST_SHOWN or min(clicked.sum(), (~clicked).sum()) < FEWEST_CLICKS:
        return None
    columns = np.stack([np.ones(len(scores)), scores, np.log(places)], axis=1)
    weights = np.zeros(3)
    for _ in range(SWEEPS):
        expected = 1 / (1 + np.exp(-np.clip(columns @ weights, -30, 30)))
        gradient = columns.T @ (expected - clicked) + RIDGE * weights
        curvature = (columns.T * (expected * (1 - expected))) @ columns + RIDGE * np.eye(3)
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < 1e-8:
            break
    level, slope, bias = weights.tolist()
    return ClickCurve(level, slope, bias)
