"""Whether a predictor is as often right as it says: calibration error, reliability, and accuracy by coverage."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from feilun.evaluation.metrics.arithmetic import Floats, divide

BINS = 15
"""Equal bins of confidence for the calibration error and the reliability curve (Guo et al. 2017 use 15)."""


def expected_calibration_error(confidence: Floats, correct: NDArray[np.bool_]) -> float:
    """Return the mean distance between confidence and accuracy over equal bins of confidence (Guo et al. 2017).

    Args:
        confidence: Score of the chosen class, shape (rows,).
        correct: Whether it is the true class, shape (rows,).

    Returns:
        0 for a predictor that is right as often as it says, up to 1.
    """
    rows = len(confidence)
    return sum(
        bin_["count"] / rows * abs(bin_["confidence"] - bin_["accuracy"]) for bin_ in reliability(confidence, correct)
    )


def reliability(confidence: Floats, correct: NDArray[np.bool_]) -> list[dict[str, float]]:
    """Return the bins of the reliability curve that hold rows: `{confidence, accuracy, count}`, lowest first."""
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    means = divide(np.bincount(bins, weights=confidence, minlength=BINS), counts)
    accuracies = divide(np.bincount(bins, weights=correct, minlength=BINS), counts)
    return [
        {"confidence": float(means[i]), "accuracy": float(accuracies[i]), "count": int(counts[i])}
        for i in np.flatnonzero(counts)
    ]


def coverage_curve(confidence: Floats, correct: NDArray[np.bool_], points: int = 100) -> list[dict[str, float]]:
    """Return how accurate the decisions are when only those at or above a threshold are taken.

    Args:
        confidence: Score of the chosen class, shape (rows,).
        correct: Whether it is the true class, shape (rows,).
        points: Most points of the curve.

    Returns:
        Points `{threshold, coverage, accuracy}`, from the fewest decided rows to all of them. Rows of equal score are
        decided together (El-Yaniv and Wiener 2010, the risk–coverage curve).
    """
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # last row of each run of equal scores
    wanted = np.unique(np.searchsorted(ends, np.linspace(0, len(ranked) - 1, points)))
    hits = np.cumsum(correct[order])
    return [
        {
            "threshold": float(ranked[end]),
            "coverage": float((end + 1) / len(ranked)),
            "accuracy": float(hits[end] / (end + 1)),
        }
        for end in ends[wanted].tolist()
    ]
