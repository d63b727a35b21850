"""Figures of a predictor of numbers, from arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.evaluation.metrics.arithmetic import Floats, divide

SUMS = ("rows", "absolute", "squared", "truth", "truth_squared", "inside", "width")
"""What is summed over rows: all figures are functions of these."""


@dataclass(frozen=True)
class NumberJudgement:
    """Predicted numbers beside the true ones.

    Args:
        names: Names of the numbers.
        targets: True numbers, shape (rows, numbers).
        values: Predicted numbers, shape (rows, numbers).
        low: Lower ends of their intervals, shape (rows, numbers).
        high: Upper ends, shape (rows, numbers).
    """

    names: tuple[str, ...]
    targets: Floats
    values: Floats
    low: Floats
    high: Floats

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether all true numbers of a row lie within their intervals, shape (rows,)."""
        inside = (self.low <= self.targets) & (self.targets <= self.high)
        held: NDArray[np.bool_] = np.logical_and.reduce(inside, axis=1)
        return held

    @property
    def misses(self) -> Floats:
        """Mean absolute error of each row, in standard deviations of the true numbers, shape (rows,)."""
        spread = self.targets.std(0)
        misses: Floats = (np.abs(self.values - self.targets) / np.where(spread > 0, spread, 1.0)).mean(1)
        return misses

    @property
    def sums(self) -> Floats:
        """What `from_sums` needs of each row, shape (rows, sums, numbers)."""
        centred = self.targets - self.targets.mean(0)  # large numbers would lose their digits when squared
        inside = (self.low <= self.targets) & (self.targets <= self.high)
        miss = np.abs(self.values - self.targets)
        width = np.where(np.isfinite(self.high), self.high - self.low, 0.0)
        parts = (np.ones_like(miss), miss, miss**2, centred, centred**2, inside, width)
        return np.stack(parts, axis=1).astype(np.float64)


def figures(judgement: NumberJudgement) -> dict[str, float]:
    """Compute every figure that is defined on the sample, of several numbers their mean.

    Args:
        judgement: Predictions beside the truth, at least one row.

    Returns:
        By name: mae, rmse, r2 (only where the true numbers differ), and where there are intervals coverage and
        interval_width.
    """
    by_number = from_sums(judgement.sums.sum(0))
    if not np.isfinite(judgement.high).all():
        by_number = {name: values for name, values in by_number.items() if name not in {"coverage", "interval_width"}}
    if not (judgement.targets.std(0) > 0).all():
        del by_number["r2"]
    return {name: float(values.mean(-1)) for name, values in by_number.items()}


def from_sums(sums: Floats) -> dict[str, Floats]:
    """Compute the figures of each number.

    Args:
        sums: Over rows, shape (…, sums, numbers), in the order of `SUMS`.

    Returns:
        r2 (share of the variance that is explained; below 0 where the mean would be better), mae, rmse, coverage and
        interval_width, each of shape (…, numbers).
    """
    rows, absolute, squared, truth, truth_squared, inside, width = (sums[..., i, :] for i in range(len(SUMS)))
    variance = truth_squared - truth**2 / np.maximum(rows, 1)
    return {
        "r2": 1 - divide(squared, variance),
        "mae": divide(absolute, rows),
        "rmse": np.sqrt(divide(squared, rows)),
        "coverage": divide(inside, rows),
        "interval_width": divide(width, rows),
    }
