"""Weights of the generators: a linear score whose softmax over a list should be where the taken items are (ListNet).

Few numbers, learned from few lists; the trees of the final ranking begin from it and only correct (Cao et al. 2007).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RIDGE = 1e-3


def fit_weights(table: Floats, relevance: Floats, groups: NDArray[np.int64]) -> Floats:
    """Learn a weight of each generator, none below 0.

    Args:
        table: Standardised scores, shape (rows, generators).
        relevance: 0 for what was not taken, shape (rows,).
        groups: Number of the list, ascending from 0, shape (rows,).

    Returns:
        Shape (generators,).
    """
    from scipy.optimize import minimize

    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    totals = np.add.reduceat(relevance, starts)
    wanted = relevance / np.maximum(totals, 1e-12)[groups]

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = table @ weights
        scores -= np.maximum.reduceat(scores, starts)[groups]
        exponentials = np.exp(scores)
        sums = np.add.reduceat(exponentials, starts)[groups]
        missed = exponentials / sums - wanted
        value = -(wanted * (scores - np.log(sums))).sum() / len(starts) + RIDGE * weights @ weights
        return float(value), table.T @ missed / len(starts) + 2 * RIDGE * weights

    first = np.full(table.shape[1], 1 / max(1, table.shape[1]))
    bounds = [(0.0, None)] * len(first)
    found: Floats = minimize(loss, first, jac=True, method="L-BFGS-B", bounds=bounds).x
    return found
