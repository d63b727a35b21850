"""Figures of predicted probabilities of a click: area under the ROC curve, within users too, and log loss."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from feilun.evaluation.metrics.arithmetic import SMALLEST_PROBABILITY, Floats


def area_under_curve(scores: Floats, clicked: NDArray[np.bool_]) -> float:
    """Return the probability that a clicked row scores above one that was not, ties counting half (Mann and Whitney).

    Args:
        scores: Shape (rows,).
        clicked: Shape (rows,).

    Returns:
        The area; NaN where all rows are of one kind.
    """
    positives, negatives = int(clicked.sum()), int((~clicked).sum())
    if not positives or not negatives:
        return float("nan")
    ranks = _mean_ranks(scores)
    return float((ranks[clicked].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def grouped_area(scores: Floats, clicked: NDArray[np.bool_], groups: NDArray[np.int64]) -> float:
    """Return the area within each user, averaged by their rows (GAUC, Zhu et al. 2017).

    Args:
        scores: Shape (rows,).
        clicked: Shape (rows,).
        groups: The user of each row, shape (rows,).

    Returns:
        The mean over users that have both kinds of rows; NaN where there is none.
    """
    order = np.argsort(groups, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    areas = np.array([area_under_curve(scores[part], clicked[part]) for part in parts if len(part)])
    sizes = np.array([len(part) for part in parts if len(part)], dtype=np.float64)
    known = ~np.isnan(areas)
    return float(np.average(areas[known], weights=sizes[known])) if known.any() else float("nan")


def log_loss(probabilities: Floats, clicked: NDArray[np.bool_]) -> float:
    """Return the mean negative log-likelihood of what happened; both of shape (rows,)."""
    clipped = np.clip(probabilities, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return float(-np.log(np.where(clicked, clipped, 1 - clipped)).mean())


def _mean_ranks(scores: Floats) -> Floats:
    """Return ranks from 1, tied scores sharing their mean; shape (rows,)."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    shared: Floats = (last - (counts - 1) / 2)[inverse]
    return shared
