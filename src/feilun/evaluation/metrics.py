"""Figures of a single-label classifier, from arrays."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from feilun.evaluation.judgement import Judgement

Floats = NDArray[np.float64]

BINS = 15
"""Equal bins of confidence for the calibration error and the reliability curve (Guo et al. 2017 use 15)."""

LOWER_IS_BETTER = frozenset(
    {"perplexity", "log_loss", "brier", "expected_calibration_error", "hamming_loss", "mae", "rmse", "interval_width"}
)
"""Metrics of which a lower value is the better one."""

SMALLEST_PROBABILITY = float(np.finfo(np.float32).eps)
"""Scores are clipped here before the logarithm, so that one confident error does not make the log loss infinite."""


class Judged(Protocol):
    """Predictions set beside the truth, of any task."""

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each row is right, shape (rows,)."""
        ...


def figures(judgement: Judgement) -> dict[str, float]:
    """Compute every figure that is defined on the sample.

    Args:
        judgement: Predictions beside the truth, at least one row.

    Returns:
        By name: accuracy, macro_f1, micro_f1, weighted_f1, roc_auc (only where a class and its complement both
        occur), log_loss, brier, expected_calibration_error.
    """
    confusion = judgement.confusion
    totals = (np.diagonal(confusion), confusion.sum(1), confusion.sum(0))
    result = {name: float(value) for name, value in from_totals(*totals).items()}
    area = roc_auc(judgement)
    if area is not None:
        result["roc_auc"] = area[0]
    result["log_loss"] = float(log_losses(judgement).mean())
    result["brier"] = float(brier_scores(judgement).mean())
    result["expected_calibration_error"] = expected_calibration_error(judgement.confidence, judgement.correct)
    return result


def from_totals(hits: NDArray[np.int64], actual: NDArray[np.int64], chosen: NDArray[np.int64]) -> dict[str, Floats]:
    """Compute the figures that depend on the confusion matrix alone.

    Args:
        hits: Rows of each class that were predicted as it, shape (…, labels).
        actual: Rows of each class, shape (…, labels).
        chosen: Rows predicted as each class, shape (…, labels).

    Returns:
        accuracy, macro_f1, micro_f1 and weighted_f1, each of shape (…). As in scikit-learn, the macro average runs
        over the classes that occur as truth or as prediction; with one label a row, micro-F1 is the accuracy.
    """
    f1 = divide(2 * hits, actual + chosen)  # (…, labels)
    occurring = (actual + chosen > 0).sum(-1)
    accuracy = divide(hits.sum(-1), actual.sum(-1))
    return {
        "accuracy": accuracy,
        "macro_f1": divide(f1.sum(-1), occurring),
        "micro_f1": accuracy,
        "weighted_f1": divide((f1 * actual).sum(-1), actual.sum(-1)),
    }


def per_label(judgement: Judgement) -> dict[str, dict[str, float]]:
    """Compute precision, recall, f1 and support of every label; 0 where the denominator is 0."""
    confusion = judgement.confusion
    hits, actual, chosen = np.diagonal(confusion), confusion.sum(1), confusion.sum(0)
    precision, recall, f1 = divide(hits, chosen), divide(hits, actual), divide(2 * hits, actual + chosen)
    return {
        name: {
            "precision": float(precision[i]),
            "recall": float(recall[i]),
            "f1": float(f1[i]),
            "support": int(actual[i]),
        }
        for i, name in enumerate(judgement.labels)
    }


def log_losses(judgement: Judgement) -> Floats:
    """Return the negative log-likelihood of each row's true class in nats, shape (rows,)."""
    totals = judgement.probabilities.sum(1)
    true = judgement.probabilities[np.arange(len(judgement)), judgement.targets] / np.where(totals > 0, totals, 1.0)
    losses: Floats = -np.log(np.clip(true, SMALLEST_PROBABILITY, 1.0))
    return losses


def brier_scores(judgement: Judgement) -> Floats:
    """Return each row's squared distance between scores and truth, 0 to 2 (Brier 1950), shape (rows,)."""
    true = judgement.probabilities[np.arange(len(judgement)), judgement.targets]
    squares: Floats = np.einsum("ij,ij->i", judgement.probabilities, judgement.probabilities)
    return squares - 2 * true + 1


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


def roc_auc(judgement: Judgement) -> tuple[float, float] | None:
    """Compute the macro one-vs-rest area under the ROC curve.

    Args:
        judgement: Predictions beside the truth.

    Returns:
        The area, averaged over the classes that have rows and whose complement has rows, and its standard error
        from each row's influence (DeLong et al. 1988); None where no class is of that kind.
    """
    rows = len(judgement)
    influence = np.zeros(rows)
    areas = []
    for label in np.unique(judgement.targets):
        own = judgement.targets == label
        count = int(own.sum())
        if count == rows:
            return None
        column = judgement.probabilities[:, label]
        inside, outside = np.sort(column[own]), np.sort(column[~own])
        beaten = share_below(outside, column[own])  # (rows of the class,)
        beating = 1 - share_below(inside, column[~own])  # (other rows,)
        area = float(beaten.mean())
        areas.append(area)
        influence[own] += (beaten - area) * rows / count
        influence[~own] += (beating - area) * rows / (rows - count)
    error = float(np.sqrt(np.mean((influence / len(areas)) ** 2) / rows))
    return float(np.mean(areas)), error


def compare(ours: Judged, other: Judged) -> dict[str, float]:
    """Count the rows on which just one of two predictors is right: `only_model_right`, `only_baseline_right`."""
    return {
        "only_model_right": int((ours.correct & ~other.correct).sum()),
        "only_baseline_right": int((~ours.correct & other.correct).sum()),
    }


def share_below(ranked: Floats, values: Floats) -> Floats:
    """Return for each value the share of `ranked` (sorted) that is lower, equal ones counted by half."""
    below = np.searchsorted(ranked, values, side="left") + np.searchsorted(ranked, values, side="right")
    return below / (2 * len(ranked))


def divide(numerator: NDArray[np.generic], denominator: NDArray[np.generic]) -> Floats:
    """Divide; 0 where the denominator is 0."""
    top, bottom = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    return np.divide(top, bottom, out=np.zeros(np.broadcast_shapes(top.shape, bottom.shape)), where=bottom > 0)
