"""Arithmetic that figures share."""

from __future__ import annotations

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
