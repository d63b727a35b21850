"""How sure an answer is: features of what was found become a probability; held-out questions give the thresholds.

A held-out question is a variant that is taken out of the index: asked then, its own entry is right. Asked with its own
entry taken out as well, nothing is right, whatever is found: these are the questions that must be declined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RIDGE = 1e-2
STEPS = 50
NEVER = 1.01
"""A threshold that no probability reaches."""


@dataclass(frozen=True)
class Calibration:
    """A logistic regression over features, and the probability from which on it answers.

    Args:
        weights: One a feature, then the constant.
        threshold: Lowest probability of an answer.
        precision: Share of the right ones among the answers of the held-out questions at that threshold.
        answered: Share of the answerable held-out questions that are answered.
        declined: Share of the unanswerable ones that are declined.
        questions: How many of both kinds were held out.
    """

    weights: tuple[float, ...]
    threshold: float
    precision: float
    answered: float
    declined: float
    questions: int

    def probability(self, features: Sequence[float]) -> float:
        """Return how probable it is that what was found is right."""
        total = sum(w * f for w, f in zip(self.weights, [*features, 1.0], strict=True))
        return float(1 / (1 + np.exp(-np.clip(total, -30, 30))))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Calibration:
        """Read what `to_json` wrote."""
        return Calibration(tuple(value["weights"]), **{k: v for k, v in value.items() if k != "weights"})


def calibrate(
    features: NDArray[np.float64], right: NDArray[np.bool_], answerable: NDArray[np.bool_], precision: float
) -> Calibration:
    """Fit the weights and choose the threshold.

    Args:
        features: Of what was found for each held-out question, shape (questions, features).
        right: Whether it is right, shape (questions,).
        answerable: Whether the right answer was there at all, shape (questions,).
        precision: Share of right ones wanted among the answers.

    Returns:
        The calibration; its threshold is the lowest with that precision, and is never reached where none has it.
    """
    weights = logistic(features, right)
    scores = 1 / (1 + np.exp(-np.clip(_with_constant(features) @ weights, -30, 30)))
    order = np.argsort(-scores, kind="stable")
    precisions = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(precisions >= precision)
    threshold = float(scores[order][enough[-1]]) if len(enough) else NEVER
    given = scores >= threshold
    return Calibration(
        tuple(float(weight) for weight in weights),
        threshold,
        _share(right[given]),
        _share(given[answerable]),
        _share(~given[~answerable]),
        len(scores),
    )


def logistic(features: NDArray[np.float64], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Fit a ridge-penalised logistic regression by Newton's method; returns a weight a feature, then the constant."""
    rows = _with_constant(features)
    weights = np.zeros(rows.shape[1])
    penalty = RIDGE * np.eye(rows.shape[1])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        gradient = rows.T @ (chance - right) + penalty @ weights
        curvature = (rows * (chance * (1 - chance))[:, None]).T @ rows + penalty
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < 1e-8:
            break
    return weights


def _with_constant(features: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([features, np.ones(len(features))])


def _share(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else 0.0
