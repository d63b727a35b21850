"""What a model says about one text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Ranking(Sequence[tuple[str, float]]):
    """All labels with their scores, best first; sorted only when read.

    Args:
        names: Label names in class order, shared by all rankings of a model.
        scores: Calibrated probabilities in class order, shape (labels,).
    """

    __slots__ = ("names", "scores")

    def __init__(self, names: tuple[str, ...], scores: NDArray[np.float32]) -> None:
        self.names = names
        self.scores = scores

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: Any) -> Any:
        return list(self)[index]

    def __iter__(self) -> Iterator[tuple[str, float]]:
        for i in np.argsort(-self.scores, kind="stable"):
            yield self.names[i], float(self.scores[i])

    def top(self, count: int) -> list[tuple[str, float]]:
        """Return the `count` best labels with their scores."""
        return list(self)[:count]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says about one text.

    Args:
        label: The chosen label; also given where the model abstained, as its best guess.
        score: The calibrated probability of `label`, 0 to 1.
        ranked: All labels with their scores, best first.
        abstained: Whether the score is below the bundle's threshold, so that a person should decide.
    """

    label: str
    score: float
    ranked: Ranking
    abstained: bool = False

    def to_json(self, ranked: int = 5) -> dict[str, Any]:
        """Return the public JSON form with the `ranked` best labels."""
        return {
            "label": self.label,
            "score": round(self.score, 6),
            "abstained": self.abstained,
            "ranked": [{"label": label, "score": round(score, 6)} for label, score in self.ranked.top(ranked)],
        }


@dataclass(frozen=True)
class Decision:
    """How calibrated probabilities become predictions; part of the bundle.

    Args:
        temperature: Divides the logits before the softmax (Guo et al. 2017); above 1 softens.
        abstain_below: Predictions with a lower score abstain; 0 never does.
        label_thresholds: Per-label replacements of `abstain_below`.
    """

    temperature: float = 1.0
    abstain_below: float = 0.0
    label_thresholds: tuple[tuple[str, float], ...] = ()

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the calibrated softmax of `logits`, shape (rows, labels)."""
        scaled = logits.astype(np.float64) / self.temperature
        scaled -= scaled.max(axis=1, keepdims=True)
        exponentials = np.exp(scaled)
        result: NDArray[np.float32] = (exponentials / exponentials.sum(axis=1, keepdims=True)).astype(np.float32)
        return result

    def decide(self, logits: NDArray[np.float32], names: tuple[str, ...]) -> list[Prediction]:
        """Turn logits into predictions.

        Args:
            logits: Shape (rows, labels), in the order of `names`.
            names: Label names in class order.

        Returns:
            One prediction a row.
        """
        if len(logits) == 0:
            return []
        probabilities = self.probabilities(logits)
        best = probabilities.argmax(axis=1)
        own = dict(self.label_thresholds)
        thresholds = [own.get(name, self.abstain_below) for name in names]
        return [
            Prediction(names[i], float(row[i]), Ranking(names, row), float(row[i]) < thresholds[i])
            for i, row in zip(best.tolist(), probabilities, strict=True)
        ]
