"""Figures of a single-label classifier, from arrays."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from feilun.evaluation.judgement import Judgement
from feilun.evaluation.metrics.arithmetic import SMALLEST_PROBABILITY, Floats, divide, figures_by_label, share_below
from feilun.evaluation.metrics.confidence import expected_calibration_error

LOWER_IS_BETTER = frozenset(
    {"perplexity", "log_loss", "brier", "expected_calibration_error", "hamming_loss", "mae", "rmse", "interval_width"}
)
"""Metrics of which a lower value is the better one."""


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
    return figures_by_label(judgement.labels, np.diagonal(confusion), confusion.sum(1), confusion.sum(0))


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
