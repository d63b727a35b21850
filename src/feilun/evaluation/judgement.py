"""Predictions beside the truth, as arrays that every figure is computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from feilun.core.labels import LabelSet
from feilun.core.prediction import Prediction


@dataclass(frozen=True)
class Judgement:
    """Predictions beside the truth, row by row.

    Args:
        labels: Label names in class order.
        targets: True class of each row, shape (rows,).
        predicted: Chosen class of each row, also where the predictor abstained, shape (rows,).
        confidence: Score of the chosen class, 0 to 1, shape (rows,).
        probabilities: Scores of all classes, shape (rows, labels).
        abstained: Whether the row goes to a person, shape (rows,).
    """

    labels: tuple[str, ...]
    targets: NDArray[np.int64]
    predicted: NDArray[np.int64]
    confidence: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    abstained: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.targets)

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each row's chosen class is the true one, shape (rows,)."""
        same: NDArray[np.bool_] = self.targets == self.predicted
        return same

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """Counts, true class by row, chosen class by column; shape (labels, labels)."""
        size = len(self.labels)
        counts = np.bincount(self.targets * size + self.predicted, minlength=size * size)
        return counts.reshape(size, size)


def judge(predictions: Sequence[Prediction], targets: NDArray[np.int64], labels: LabelSet) -> Judgement:
    """Set predictions beside the truth.

    Args:
        predictions: One a row.
        targets: True class of each row in the order of `labels`, shape (rows,).
        labels: The classes, in class order.

    Returns:
        The judgement.

    Raises:
        DataError: If a predictor chose a label outside of `labels`.
    """
    return Judgement(
        labels=labels.names,
        targets=targets,
        predicted=labels.encode([prediction.label for prediction in predictions]),
        confidence=np.array([prediction.score for prediction in predictions], dtype=np.float64),
        probabilities=scores(predictions, labels.names),
        abstained=np.array([prediction.abstained for prediction in predictions], dtype=np.bool_),
    )


def from_probabilities(probabilities: NDArray[np.floating], targets: NDArray[np.int64], labels: LabelSet) -> Judgement:
    """Set probabilities beside the truth, the most probable class being the chosen one.

    Args:
        probabilities: Shape (rows, labels).
        targets: True class of each row, shape (rows,).
        labels: The classes, in class order.

    Returns:
        The judgement; no row abstains.
    """
    values = probabilities.astype(np.float64)
    nothing = np.zeros(len(targets), dtype=np.bool_)
    return Judgement(labels.names, targets, values.argmax(1), values.max(1), values, nothing)


def scores(predictions: Sequence[Prediction], names: Sequence[str]) -> NDArray[np.float64]:
    """Collect the scores of predictions.

    Args:
        predictions: One a row; a label that a ranking does not name counts as 0.
        names: Label names in the wanted order.

    Returns:
        Shape (rows, labels).
    """
    collected = np.zeros((len(predictions), len(names)), dtype=np.float64)
    columns = {name: i for i, name in enumerate(names)}
    orders: dict[tuple[str, ...], tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
    for row, prediction in enumerate(predictions):
        own = prediction.ranked.names
        if own not in orders:
            shared = [(i, columns[name]) for i, name in enumerate(own) if name in columns]
            source, target = np.array(shared, dtype=np.int64).reshape(-1, 2).T
            orders[own] = (source, target)
        source, target = orders[own]
        collected[row, target] = prediction.ranked.scores[source]
    return collected
