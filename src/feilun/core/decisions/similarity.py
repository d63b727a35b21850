"""Whether two texts that were read apart say the same: the cosine of their vectors against a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from feilun.core.prediction import Prediction, Ranking, Reads

SMALLEST_LENGTH = 1e-12


@dataclass(frozen=True)
class SimilarityDecision:
    """How the vectors of two texts become a label; part of the bundle.

    The second label, of pairs that say the same, has the probability sigmoid(slope · (cosine - threshold)), so that it
    is chosen from the threshold on (Platt 1999, with the place of the curve fixed).

    Args:
        size: Width of a vector.
        threshold: Cosine from which on two texts say the same.
        slope: How fast the probability rises with the cosine.
        abstain_below: Predictions with a lower score abstain; 0 never does.
    """

    task: ClassVar[str] = "similarity"
    reads: ClassVar[Reads] = "apart"

    size: int = 0
    threshold: float = 0.5
    slope: float = 20.0
    abstain_below: float = 0.0

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Read what `dataclasses.asdict` wrote.

        Raises:
            KeyError, TypeError, ValueError: If the table is not of that form.
        """
        threshold, slope, abstain_below = (float(table[name]) for name in ("threshold", "slope", "abstain_below"))
        return cls(int(table["size"]), threshold, slope, abstain_below)

    def width(self, labels: int) -> int:
        """Return how many numbers the model gives for a text."""
        return self.size

    def probabilities(self, similarities: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the calibrated probability of both labels for cosines of shape (rows,); shape (rows, 2)."""
        scaled = np.clip(self.slope * (similarities.astype(np.float64) - self.threshold), -500, 500)
        same = 1 / (1 + np.exp(-scaled))
        return np.stack([1 - same, same], axis=1).astype(np.float32)

    def changed(
        self, before: NDArray[np.float32], after: NDArray[np.float32], names: tuple[str, ...]
    ) -> NDArray[np.bool_]:
        """Return which rows get another label, shape (rows,)."""
        one, other = (cosines(vectors) >= self.threshold for vectors in (before, after))
        moved: NDArray[np.bool_] = one != other
        return moved

    def decide(self, logits: NDArray[np.float32], names: tuple[str, ...]) -> list[Prediction]:
        """Turn vectors into predictions.

        Args:
            logits: The vectors of both texts, shape (rows, 2, size).
            names: The label of pairs that differ, and that of pairs that say the same.

        Returns:
            One prediction a row.
        """
        return self.decide_by(cosines(logits), names)

    def decide_by(self, similarities: NDArray[np.floating], names: tuple[str, ...]) -> list[Prediction]:
        """Turn similarities of shape (rows,), cosines or others on their own scale, into predictions."""
        predictions = []
        probabilities = self.probabilities(similarities)
        for value, row in zip(similarities.tolist(), probabilities, strict=True):
            same = int(value >= self.threshold)
            score = float(row[same])
            ranking = Ranking(names, row)
            predictions.append(Prediction(names[same], score, ranking, score < self.abstain_below, similarity=value))
        return predictions


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return vectors of shape (…, size) at length 1; of no length at all stay as they are."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=-1, keepdims=True)
    scaled: NDArray[np.float32] = (vectors / np.maximum(lengths, SMALLEST_LENGTH)).astype(np.float32)
    return scaled


def cosines(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the cosine of each row's two vectors; shape (rows, 2, size) gives (rows,)."""
    scaled = unit(vectors).astype(np.float64)
    products: NDArray[np.float64] = np.einsum("ij,ij->i", scaled[:, 0], scaled[:, 1])
    return products
