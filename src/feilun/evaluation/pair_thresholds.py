"""From which similarity on two texts say the same, and what it is worth: chosen on validation rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from feilun.core.decisions.similarity import SimilarityDecision
from feilun.evaluation.calibration import fit_temperature

STEEPNESS = 20.0
"""Slope that the fit starts from; it finds one between a twentieth and twenty times of it."""


def fit_similarity(
    similarities: NDArray[np.floating], same: NDArray[np.bool_], decision: SimilarityDecision
) -> SimilarityDecision:
    """Choose the threshold by which most pairs are told right, and the slope that makes the scores likely.

    Args:
        similarities: Of validation pairs, shape (rows,).
        same: Whether their texts say the same, shape (rows,).
        decision: Receives both.

    Returns:
        The decision; it keeps threshold and slope where there are not both kinds of pairs.
    """
    if same.all() or not same.any():
        return decision
    threshold = best_threshold(similarities, same)
    away = STEEPNESS * (similarities.astype(np.float64) - threshold)
    temperature = fit_temperature(np.stack([np.zeros(len(away)), away], axis=1), same.astype(np.int64))
    return replace(decision, threshold=threshold, slope=STEEPNESS / temperature)


def best_threshold(similarities: NDArray[np.floating], same: NDArray[np.bool_]) -> float:
    """Return the threshold with the most pairs on the right side, halfway between two neighbours.

    Args:
        similarities: At least one, shape (rows,).
        same: Whether the texts of each pair say the same, shape (rows,).
    """
    order = np.argsort(similarities, kind="stable")
    ranked = similarities[order].astype(np.float64)
    below = np.concatenate([[0], np.cumsum(~same[order])])  # pairs that differ, below each place
    above = same.sum() - np.concatenate([[0], np.cumsum(same[order])])
    places = np.concatenate([[True], ranked[1:] > ranked[:-1], [True]])  # equal ones stay together
    ends = np.concatenate([[ranked[0] - 1e-6], (ranked[1:] + ranked[:-1]) / 2, [ranked[-1] + 1e-6]])
    right = np.where(places, below + above, -1)
    return float(ends[int(right.argmax())])


def average_precision(scores: NDArray[np.floating], same: NDArray[np.bool_]) -> float:
    """Return the area under the steps of precision over recall, pairs of equal score taken together.

    Args:
        scores: Higher where the texts are more likely the same, shape (rows,).
        same: Whether they are, at least one, shape (rows,).
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = np.cumsum(same[order])[ends]
    gained = np.diff(np.concatenate([[0], hits]))
    return float((gained * hits / (ends + 1)).sum() / same.sum())
