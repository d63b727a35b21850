"""Several labels of many, or none: each label has a probability and a threshold of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from feilun.core.prediction import Prediction, Ranking, Reads, temperature_of, thresholds

JOINED_BY = " | "
"""Stands between the labels of a text where they are shown as one."""

NUMBERS = ("abstain_below", "threshold")


@dataclass(frozen=True)
class MultilabelDecision:
    """How logits become sets of labels; part of the bundle.

    The score of a set is the probability that it is right as a whole, the labels being taken as independent.

    Args:
        temperature: Divides the logits before the sigmoid (Guo et al. 2017); above 1 softens.
        abstain_below: Predictions with a lower score abstain; 0 never does.
        threshold: Probability from which on a label is chosen.
        label_thresholds: Per-label replacements of `threshold`.
    """

    task: ClassVar[str] = "multilabel"
    reads: ClassVar[Reads] = "pooled"

    temperature: float = 1.0
    abstain_below: float = 0.0
    threshold: float = 0.5
    label_thresholds: tuple[tuple[str, float], ...] = ()

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Read what `dataclasses.asdict` wrote.

        Raises:
            KeyError, TypeError, ValueError: If the table is not of that form.
        """
        abstain_below, threshold = (float(table[name]) for name in NUMBERS)
        return cls(temperature_of(table), abstain_below, threshold, thresholds(table["label_thresholds"]))

    def width(self, labels: int) -> int:
        """Return how many numbers the model gives for a text."""
        return labels

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the calibrated probability of each label, shape (rows, labels)."""
        scaled = np.clip(logits.astype(np.float64) / self.temperature, -500, 500)
        result: NDArray[np.float32] = (1 / (1 + np.exp(-scaled))).astype(np.float32)
        return result

    def choices(self, logits: NDArray[np.float32], names: tuple[str, ...]) -> NDArray[np.bool_]:
        """Return which labels are chosen, shape (rows, labels)."""
        chosen: NDArray[np.bool_] = self.probabilities(logits) >= self.by_label(names)
        return chosen

    def changed(
        self, before: NDArray[np.float32], after: NDArray[np.float32], names: tuple[str, ...]
    ) -> NDArray[np.bool_]:
        """Return which rows get another set of labels, shape (rows,)."""
        other: NDArray[np.bool_] = (self.choices(before, names) != self.choices(after, names)).any(1)
        return other

    def by_label(self, names: tuple[str, ...]) -> NDArray[np.float32]:
        """Return the threshold of each label, shape (labels,)."""
        own = dict(self.label_thresholds)
        return np.array([own.get(name, self.threshold) for name in names], dtype=np.float32)

    def decide(self, logits: NDArray[np.float32], names: tuple[str, ...]) -> list[Prediction]:
        """Turn logits into predictions.

        Args:
            logits: Shape (rows, labels), in the order of `names`.
            names: Label names in class order.

        Returns:
            One prediction a row.
        """
        probabilities = self.probabilities(logits)
        chosen = probabilities >= self.by_label(names)
        scores = set_scores(probabilities, chosen)
        predictions = []
        for row, own, score in zip(probabilities, chosen, scores.tolist(), strict=True):
            labels = tuple(names[i] for i in np.flatnonzero(own).tolist())
            abstained = score < self.abstain_below
            predictions.append(Prediction(JOINED_BY.join(labels), score, Ranking(names, row), abstained, labels))
        return predictions


def set_scores(probabilities: NDArray[np.floating], chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the probability that each row's set is right as a whole.

    Args:
        probabilities: Of each label, shape (rows, labels).
        chosen: Which labels the sets hold, shape (rows, labels).

    Returns:
        Shape (rows,).
    """
    values = probabilities.astype(np.float64)
    scores: NDArray[np.float64] = np.where(chosen, values, 1 - values).prod(axis=1)
    return scores
