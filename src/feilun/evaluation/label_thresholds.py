"""From logits of several labels to probabilities that mean what they say, and a threshold for each label."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from feilun.evaluation.calibration import HIGHEST_TEMPERATURE, LOWEST_TEMPERATURE

FEWEST_ROWS_OF_A_LABEL = 10
"""A label that fewer validation rows have gets the common threshold."""

LOWEST_THRESHOLD, HIGHEST_THRESHOLD = 0.05, 0.95
"""Beyond these a threshold says more of the validation rows than of the label."""


def fit_sigmoid_temperature(logits: NDArray[np.floating], targets: NDArray[np.bool_]) -> float:
    """Find the temperature that makes the labels' probabilities as likely as can be (Guo et al. 2017).

    The loss is convex in 1/T, so its slope is bisected. Targets are smoothed by 1/(rows + 2) (Platt 1999), so that the
    answer stays finite where every row is right.

    Args:
        logits: Of validation rows, shape (rows, labels); finite.
        targets: True labels, shape (rows, labels).

    Returns:
        The temperature, between 0.05 and 20; 1 where there are no rows.

    Raises:
        ValueError: If a logit is not finite.
    """
    if not np.isfinite(logits).all():
        raise ValueError("temperature calibration needs finite logits")
    if logits.size == 0:
        return 1.0
    values = logits.astype(np.float64)
    smoothing = 1 / (len(values) + 2)
    wanted = (1 - smoothing) * targets + smoothing * 0.5
    low, high = math.log(1 / HIGHEST_TEMPERATURE), math.log(1 / LOWEST_TEMPERATURE)
    for _ in range(40):
        middle = (low + high) / 2
        slope = ((_sigmoid(values * math.exp(middle)) - wanted) * values).mean()
        low, high = (middle, high) if slope < 0 else (low, middle)
    return math.exp(-(low + high) / 2)


def fit_thresholds(
    probabilities: NDArray[np.floating], targets: NDArray[np.bool_], names: tuple[str, ...]
) -> tuple[float, tuple[tuple[str, float], ...]]:
    """Choose from which probability on a label is given, so that its F1 is highest (Lipton et al. 2014).

    Args:
        probabilities: Of validation rows, shape (rows, labels).
        targets: True labels, shape (rows, labels).
        names: Label names in class order.

    Returns:
        The threshold that gives the best micro-F1 of all labels together, and that of each label which at least
        `FEWEST_ROWS_OF_A_LABEL` rows have; a tie goes to the value nearest to 0.5.
    """
    common = best_threshold(probabilities.ravel(), targets.ravel())
    own = [
        (name, best_threshold(probabilities[:, i], targets[:, i]))
        for i, name in enumerate(names)
        if targets[:, i].sum() >= FEWEST_ROWS_OF_A_LABEL
    ]
    return common, tuple(own)


def best_threshold(probabilities: NDArray[np.floating], targets: NDArray[np.bool_], missed: int = 0) -> float:
    """Return the threshold of the highest F1, halfway between two scores; 0.5 where no row has the label.

    Args:
        probabilities: Shape (rows,).
        targets: Shape (rows,).
        missed: How many have the label beside the rows, whatever the threshold.
    """
    if not targets.any():
        return 0.5
    order = np.argsort(-probabilities, kind="stable")
    ranked = probabilities[order].astype(np.float64)
    hits = np.cumsum(targets[order])
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # rows of equal score are chosen together
    f1 = 2 * hits[ends] / (ends + 1 + targets.sum() + missed)
    lower = np.append(ranked[ends[:-1] + 1], 0.0)
    values = np.clip((ranked[ends] + lower) / 2, LOWEST_THRESHOLD, HIGHEST_THRESHOLD)
    best = np.flatnonzero(f1 >= f1.max() - 1e-12)
    return float(values[best[np.argmin(np.abs(values[best] - 0.5))]])


def _sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(values, -500, 500)))
    return result
