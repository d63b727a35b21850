"""Intervals that hold the truth as often as they say, whatever the model (split conformal prediction)."""

from __future__ import annotations

import math

import numpy as np

from feilun.evaluation.metrics.arithmetic import Floats


def reach_of(values: Floats, targets: Floats, coverage: float) -> tuple[float, ...]:
    """Return how far intervals have to reach to both sides of the values (Lei et al. 2018, algorithm 2).

    With rows that are exchangeable with those to come, an interval of this reach holds the truth with at least the
    wanted probability.

    Args:
        values: Predicted numbers of validation rows, shape (rows, numbers).
        targets: True numbers, shape (rows, numbers).
        coverage: Share of the truths to hold, between 0 and 1.

    Returns:
        The reach of each number; none where there are too few rows for the coverage.
    """
    rank = math.ceil((len(values) + 1) * coverage)
    if rank > len(values):
        return ()
    misses = np.sort(np.abs(values - targets), axis=0)
    return tuple(float(miss) for miss in misses[rank - 1])
