"""One or several numbers, each with an interval that holds the truth as often as it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from feilun.core.prediction import Number, Prediction, Ranking, Reads

NOTICEABLE = 0.1
"""Share of its interval's reach by which a number has to move to count as another answer."""


@dataclass(frozen=True)
class RegressDecision:
    """How a model's standardised numbers become values with intervals; part of the bundle.

    Args:
        centre: Mean of the training targets, by number.
        scale: Their standard deviation, by number; above 0.
        reach: Half the width of each interval, in the targets' own unit: split-conformal (Lei et al. 2018); empty where
            there were too few validation rows.
        coverage: Share of the truths that the intervals are to hold.
        abstain_below: Kept at 0: numbers are never withheld.
    """

    task: ClassVar[str] = "regress"
    reads: ClassVar[Reads] = "pooled"

    centre: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    reach: tuple[float, ...] = ()
    coverage: float = 0.9
    abstain_below: float = 0.0

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Read what `dataclasses.asdict` wrote.

        Raises:
            KeyError, TypeError, ValueError: If the table is not of that form.
        """
        centre, scale, reach = (tuple(map(float, table[name])) for name in ("centre", "scale", "reach"))
        return cls(centre, scale, reach, float(table["coverage"]))

    def width(self, labels: int) -> int:
        """Return how many numbers the model gives for a text."""
        return labels

    def values(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the values in the targets' own units, shape (rows, numbers)."""
        values = logits.astype(np.float64)
        return values * np.array(self.scale) + np.array(self.centre) if self.scale else values

    def changed(
        self, before: NDArray[np.float32], after: NDArray[np.float32], names: tuple[str, ...]
    ) -> NDArray[np.bool_]:
        """Return which rows get a noticeably different answer, shape (rows,)."""
        reach = np.array(self.reach or (1.0,) * len(names))
        still = (np.abs(self.values(after) - self.values(before)) <= NOTICEABLE * reach) | (after == before)
        moved: NDArray[np.bool_] = ~np.logical_and.reduce(still, axis=1)  # what is not a number has moved
        return moved

    def decide(self, logits: NDArray[np.float32], names: tuple[str, ...]) -> list[Prediction]:
        """Turn standardised numbers into predictions.

        Args:
            logits: Shape (rows, numbers), in the order of `names`.
            names: Names of the numbers.

        Returns:
            One prediction a row; its score is the share of truths that the intervals hold.
        """
        reach = self.reach or (float("inf"),) * len(names)
        nothing = Ranking((), np.empty(0, np.float32))
        predictions = []
        for row in self.values(logits).tolist():
            numbers = tuple(
                Number(name, value, value - far, value + far)
                for name, value, far in zip(names, row, reach, strict=True)
            )
            label = " | ".join(f"{number.value:.6g}" for number in numbers)
            predictions.append(Prediction(label, self.coverage, nothing, numbers=numbers))
        return predictions
