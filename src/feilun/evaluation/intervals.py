"""95 % confidence intervals: the bootstrap (Efron 1979), vectorised over the resamples."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from feilun.core.report import Figure
from feilun.evaluation.judgement import Judgement
from feilun.evaluation.metrics.arithmetic import Floats
from feilun.evaluation.metrics.single_label import brier_scores, from_totals, log_losses, roc_auc

LEVEL = 0.95
FEWEST_ROWS = 10
"""Below this no interval is given: a bootstrap of so few rows says little more than the rows themselves."""

MOST_ROWS_RESAMPLED = 50_000
"""Means over more rows get the normal interval, which the bootstrap's then equals to the digits shown."""

CHUNK = 4_000_000
"""Most numbers drawn at once; bounds the memory."""


@dataclass(frozen=True)
class Intervals:
    """Lower and upper ends of intervals.

    Args:
        metrics: By metric, where the sample supports one. The calibration error has none: resampling adds to it.
        f1: Of each label's f1, shape (labels, 2); None where the sample supports none.
    """

    metrics: dict[str, tuple[float, float]] = field(default_factory=dict)
    f1: Floats | None = None

    def figure(self, name: str, value: float) -> Figure:
        """Return a metric with its interval; an end never lies on the wrong side of the value."""
        if name not in self.metrics:
            return Figure(value)
        low, high = self.metrics[name]
        return Figure(value, min(low, value), max(high, value))


def bootstrap(judgement: Judgement, resamples: int, seed: int) -> Intervals:
    """Compute 95 % intervals.

    Rows drawn with replacement fill the cells of the confusion matrix as a multinomial draw does, so the figures that
    depend on it are resampled from its cells; the order of the rows does not matter. The interval of the ROC-AUC is
    the normal one, by DeLong's standard error.

    Args:
        judgement: Predictions beside the truth.
        resamples: Resamples; 0 gives no intervals.
        seed: Seed of the draws.

    Returns:
        The intervals.
    """
    if resamples < 1 or len(judgement) < FEWEST_ROWS:
        return Intervals()
    generator = np.random.default_rng(seed)
    draws, f1 = _resample_confusion(judgement.confusion, resamples, generator)
    metrics = {name: _ends(values) for name, values in draws.items()}
    metrics["log_loss"] = _mean_interval(log_losses(judgement), resamples, generator)
    metrics["brier"] = _mean_interval(brier_scores(judgement), resamples, generator)
    area = roc_auc(judgement)
    if area is not None:
        reach = _z(LEVEL) * area[1]
        metrics["roc_auc"] = (max(0.0, area[0] - reach), min(1.0, area[0] + reach))
    return Intervals(metrics, np.quantile(f1, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0).T)


def wilson(hits: int, rows: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the two-sided interval of a share (Wilson 1927), sound for few rows and for shares of 0 and 1."""
    if rows == 0:
        return 0.0, 1.0
    z = _z(level)
    share = hits / rows
    centre = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    reach = z / (1 + z * z / rows) * np.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    return max(0.0, float(centre - reach)), min(1.0, float(centre + reach))


def _resample_confusion(
    confusion: NDArray[np.int64], resamples: int, generator: np.random.Generator
) -> tuple[dict[str, Floats], Floats]:
    """Return each figure of every resample, shape (resamples,), and each label's f1, shape (resamples, labels)."""
    totals = confusion.sum(0) + confusion.sum(1)
    occurring, own_f1 = totals > 0, 2 * np.diagonal(confusion) / np.maximum(totals, 1)
    cells = np.flatnonzero(confusion)
    actual_of, chosen_of = np.divmod(cells, len(confusion))
    shares = confusion.ravel()[cells] / confusion.sum()
    figures: list[dict[str, Floats]] = []
    f1 = []
    step = max(1, CHUNK // max(len(cells), len(confusion)))
    for start in range(0, resamples, step):
        counts = generator.multinomial(confusion.sum(), shares, size=min(step, resamples - start))
        on_diagonal = actual_of == chosen_of
        hits = _sum_by(counts[:, on_diagonal], actual_of[on_diagonal], len(confusion))
        actual, chosen = (_sum_by(counts, label, len(confusion)) for label in (actual_of, chosen_of))
        # A rare label that a resample misses keeps the f1 it has: dropped from the mean, it would lift the others'.
        f1.append(np.where(actual + chosen > 0, 2 * hits / np.maximum(actual + chosen, 1), own_f1))
        figures.append({**from_totals(hits, actual, chosen), "macro_f1": f1[-1][:, occurring].mean(axis=1)})
    return {name: np.concatenate([part[name] for part in figures]) for name in figures[0]}, np.concatenate(f1)


def _sum_by(counts: NDArray[np.int64], label: NDArray[np.int64], labels: int) -> NDArray[np.int64]:
    """Sum the columns of `counts` (resamples, cells) by the label of each; shape (resamples, labels)."""
    sums = np.zeros((len(counts), labels), dtype=np.int64)
    if len(label):
        order = np.argsort(label, kind="stable")
        present, starts = np.unique(label[order], return_index=True)
        sums[:, present] = np.add.reduceat(counts[:, order], starts, axis=1)
    return sums


def _mean_interval(values: Floats, resamples: int, generator: np.random.Generator) -> tuple[float, float]:
    rows = len(values)
    if rows > MOST_ROWS_RESAMPLED:
        reach = _z(LEVEL) * float(values.std()) / rows**0.5
        return float(values.mean()) - reach, float(values.mean()) + reach
    ranked = np.sort(values)  # so that the order of the rows does not matter
    step = max(1, CHUNK // rows)
    sizes = [min(step, resamples - start) for start in range(0, resamples, step)]
    means = [ranked[generator.integers(0, rows, (size, rows), dtype=np.int32)].mean(axis=1) for size in sizes]
    return _ends(np.concatenate(means))


def _ends(values: Floats) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _z(level: float) -> float:
    return NormalDist().inv_cdf((1 + level) / 2)
