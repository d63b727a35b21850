"""95 % intervals of any figure that is a function of sums over rows, by the bootstrap (Efron 1979)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from feilun.core.report import Figure
from feilun.evaluation.intervals import CHUNK, FEWEST_ROWS, LEVEL, MOST_ROWS_RESAMPLED
from feilun.evaluation.metrics.arithmetic import Floats


def sums_of_resamples(statistics: NDArray[np.generic], resamples: int, seed: int) -> Iterator[Floats]:
    """Draw rows with replacement and sum their statistics.

    Args:
        statistics: Numbers of each row, shape (rows, …).
        resamples: How often to draw as many rows as there are.
        seed: Seed of the draws.

    Yields:
        Sums of some of the resamples, shape (some, …), all together `resamples`.
    """
    generator = np.random.default_rng(seed)
    flat = _grouped(statistics.reshape(len(statistics), -1).astype(np.float64))
    rows = len(flat)
    step = max(1, CHUNK // max(rows, flat.shape[1]))
    for start in range(0, resamples, step):
        drawn = generator.multinomial(rows, np.full(rows, 1 / rows), size=min(step, resamples - start))
        yield (drawn @ flat).reshape(-1, *statistics.shape[1:])


def _grouped(flat: Floats) -> Floats:
    """Sum rows in groups where there are very many: sums of groups drawn with replacement spread as those of rows do.

    Args:
        flat: Shape (rows, numbers).

    Returns:
        Shape (at most `MOST_ROWS_RESAMPLED`, numbers).
    """
    if len(flat) <= MOST_ROWS_RESAMPLED:
        return flat
    groups = np.zeros((MOST_ROWS_RESAMPLED, flat.shape[1]))
    for start in range(0, len(flat), MOST_ROWS_RESAMPLED):
        part = flat[start : start + MOST_ROWS_RESAMPLED]
        groups[: len(part)] += part
    return groups


def intervals_of(
    statistics: NDArray[np.generic],
    figures: Callable[[Floats], Mapping[str, Floats]],
    resamples: int,
    seed: int,
) -> dict[str, tuple[Floats, Floats]]:
    """Compute 95 % intervals.

    Args:
        statistics: Numbers of each row, shape (rows, …).
        figures: Computes figures from sums of shape (resamples, …); each of shape (resamples, …).
        resamples: Resamples; 0 gives no intervals, nor do fewer rows than `FEWEST_ROWS`.
        seed: Seed of the draws.

    Returns:
        By name, the lower and the upper ends.
    """
    if resamples < 1 or len(statistics) < FEWEST_ROWS:
        return {}
    parts = [figures(sums) for sums in sums_of_resamples(statistics, resamples, seed)]
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    found = {}
    for name in parts[0]:
        low, high = np.quantile(np.concatenate([part[name] for part in parts]), tails, axis=0)
        found[name] = (low, high)
    return found


def figure_of(value: float, ends: tuple[Floats, Floats] | None) -> Figure:
    """Return a figure with its interval, which is widened to hold it: a resample may lie on one side of it always.

    Args:
        value: The figure.
        ends: What `intervals_of` gave for it, each of shape (); None where it gave nothing.
    """
    return Figure(value) if ends is None else Figure(value, min(float(ends[0]), value), max(float(ends[1]), value))
