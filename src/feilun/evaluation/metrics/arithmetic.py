"""Arithmetic that figures share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SMALLEST_PROBABILITY = float(np.finfo(np.float32).eps)
"""Scores are clipped here before the logarithm, so that one confident error does not make the log loss infinite."""


def share_below(ranked: Floats, values: Floats) -> Floats:
    """Return for each value the share of `ranked` (sorted) that is lower, equal ones counted by half."""
    below = np.searchsorted(ranked, values, side="left") + np.searchsorted(ranked, values, side="right")
    return below / (2 * len(ranked))


def divide(numerator: NDArray[np.generic], denominator: NDArray[np.generic]) -> Floats:
    """Divide; 0 where the denominator is 0."""
    top, bottom = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    return np.divide(top, bottom, out=np.zeros(np.broadcast_shapes(top.shape, bottom.shape)), where=bottom > 0)


def figures_by_label(
    names: Sequence[str], hits: NDArray[np.int64], actual: NDArray[np.int64], chosen: NDArray[np.int64]
) -> dict[str, dict[str, float]]:
    """Compute precision, recall, f1 and support of every label; 0 where the denominator is 0.

    Args:
        names: The labels.
        hits: Rows that have a label and were given it, shape (labels,).
        actual: Rows that have it, shape (labels,).
        chosen: Rows that were given it, shape (labels,).
    """
    precision, recall, f1 = divide(hits, chosen), divide(hits, actual), divide(2 * hits, actual + chosen)
    return {
        name: {
            "precision": float(precision[i]),
            "recall": float(recall[i]),
            "f1": float(f1[i]),
            "support": int(actual[i]),
        }
        for i, name in enumerate(names)
    }
