"""How right the model is: estimated without labels, and counted where people gave the right ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from feilun.core.observation import Observation
from feilun.core.report import Figure

LEVEL = 0.95
FEWEST_ROWS = 50
"""Windows or references with fewer rows get no estimate."""


def mean_confidence(scores: NDArray[np.float64]) -> float:
    """Estimate accuracy as the mean of calibrated scores (confidence-based performance estimation)."""
    return float(scores.mean())


def difference_of_confidences(
    reference: NDArray[np.float64], correct: NDArray[np.bool_], scores: NDArray[np.float64]
) -> float:
    """Estimate accuracy as the reference's, moved by the change of the mean score (Guillory et al. 2021).

    Args:
        reference: Scores of rows whose right labels are known, shape (rows,).
        correct: Whether the model was right on them, shape (rows,).
        scores: Scores of the window, shape (other rows,).
    """
    return float(np.clip(correct.mean() + scores.mean() - reference.mean(), 0, 1))


def average_thresholded_confidence(
    reference: NDArray[np.float64], correct: NDArray[np.bool_], scores: NDArray[np.float64]
) -> float:
    """Estimate accuracy as the share of scores above the threshold that gives the reference's (Garg et al. 2022).

    Args:
        reference: Scores of rows whose right labels are known, shape (rows,).
        correct: Whether the model was right on them, shape (rows,).
        scores: Scores of the window, shape (other rows,).
    """
    threshold = np.quantile(reference, 1 - correct.mean(), method="lower")
    return float((scores >= threshold).mean())


def estimated_accuracy(
    reference: NDArray[np.float64], correct: NDArray[np.bool_], scores: NDArray[np.float64]
) -> Figure | None:
    """Estimate the accuracy on a window without labels, by average thresholded confidence.

    Of the three ways above it erred least on other review domains (docs/monitoring.md). The interval holds only the
    chance in drawing reference and window, not the error of the method, which grows with the shift.

    Args:
        reference: Scores of rows whose right labels are known, shape (rows,).
        correct: Whether the model was right on them, shape (rows,).
        scores: Scores of the window, shape (other rows,).

    Returns:
        The estimate with its 95 % interval; None where either side has fewer than `FEWEST_ROWS` rows.
    """
    if min(len(reference), len(scores)) < FEWEST_ROWS:
        return None
    value = average_thresholded_confidence(reference, correct, scores)
    known = float(correct.mean())
    variance = known * (1 - known) / len(reference) + value * (1 - value) / len(scores)
    reach = NormalDist().inv_cdf((1 + LEVEL) / 2) * variance**0.5
    return Figure(value, max(0.0, value - reach), min(1.0, value + reach))


@dataclass(frozen=True)
class Observed:
    """What feedback says of a window.

    Args:
        labelled: Predictions whose right label is known, nobody disagreeing.
        right: Of these, how many were right.
        refused: Predictions called wrong without the right label.
        conflicting: Predictions of which people disagree.
    """

    labelled: int
    right: int
    refused: int
    conflicting: int

    @property
    def accuracy(self) -> Figure | None:
        """Return the share of right ones among those known to be right or wrong, with Wilson's 95 % interval (1927).

        What is called wrong counts as wrong, also where the right label was not named. None where nothing is known.
        People give feedback rather on errors: unless all, or random, predictions are looked at, the truth is higher.
        """
        known = self.labelled + self.refused
        return wilson(self.right, known) if known else None


def observed(window: Sequence[Observation]) -> Observed:
    """Count what feedback says of a window."""
    known = [(one.label, one.known_label) for one in window if one.known_label is not None]
    return Observed(
        len(known),
        sum(predicted == right for predicted, right in known),
        sum(one.refused and not one.right_labels for one in window),
        sum(one.conflicting for one in window),
    )


def wilson(successes: int, trials: int) -> Figure:
    """Return a share with Wilson's 95 % interval."""
    share, z = successes / trials, NormalDist().inv_cdf((1 + LEVEL) / 2)
    middle = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    reach = z / (1 + z**2 / trials) * float(np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2)))
    return Figure(share, max(0.0, middle - reach), min(1.0, middle + reach))
