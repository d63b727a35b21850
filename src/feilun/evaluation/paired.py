"""Two models compared on the same rows: what one gets right and the other does not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.core.report import Figure
from feilun.evaluation.metrics.arithmetic import Floats
from feilun.evaluation.resampling import intervals_of

ERRORS = ("mae",)
"""Figures that are better where they are lower."""

SMALLEST_ERROR = 1e-12
SWAPS = 9999
"""How often the answers to rows are swapped at random."""

AT_ONCE = 1 << 22
"""Swaps × rows that are held at once."""


@dataclass(frozen=True)
class Comparison:
    """A challenger beside a champion on the same rows.

    Args:
        n: Rows.
        champion: Its figure; NaN where there are no rows.
        challenger: Its figure.
        gained: Rows of which the challenger alone is right, or, of numbers, nearer to the truth.
        lost: The same of the champion.
        p: Of a one-sided paired test: how likely so good a challenger is if the two are equal. As it is the mid-p,
            `1 - p` says the same of so bad a one.
        difference: Challenger's figure less the champion's, with its 95 % paired bootstrap interval.
        metric: What the figures are: `accuracy`, an F1, NDCG; `mae`, the mean absolute error, is better where lower.
        unit: What is counted: rows, or queries with all their candidates.
    """

    n: int
    champion: float
    challenger: float
    gained: int
    lost: int
    p: float
    difference: Figure
    metric: str = "accuracy"
    unit: str = "rows"

    @property
    def worse(self) -> float:
        """Return by how much the challenger is worse; of errors as a share of the champion's."""
        if self.metric not in ERRORS:
            return -self.difference.value
        return self.difference.value / max(self.champion, SMALLEST_ERROR)

    def to_json(self) -> dict[str, object]:
        """Return the public JSON form; what no row tells is null."""
        shown = {**asdict(self), "difference": asdict(self.difference)}
        if not self.n:
            shown |= {"champion": None, "challenger": None, "difference": None}
        return shown


def compare(
    champion: NDArray[np.bool_], challenger: NDArray[np.bool_], *, resamples: int = 1000, seed: int = 0
) -> Comparison:
    """Compare two models.

    Args:
        champion: Whether it is right on each row, shape (rows,).
        challenger: Whether it is right on each row, shape (rows,).
        resamples: Bootstrap samples of the interval.
        seed: Seed of the bootstrap.

    Returns:
        The comparison.
    """
    rows = len(champion)
    gained, lost = int((challenger & ~champion).sum()), int((champion & ~challenger).sum())
    if not rows:
        return Comparison(0, math.nan, math.nan, 0, 0, mcnemar(0, 0), Figure(math.nan))
    each = np.stack([challenger.astype(np.int64) - champion, np.ones(rows, dtype=np.int64)], axis=1)
    found = intervals_of(each, lambda sums: {"difference": sums[:, 0] / sums[:, 1]}, resamples, seed)
    low, high = (float(end) for end in found["difference"]) if found else (None, None)
    difference = Figure((gained - lost) / rows, low, high)
    return Comparison(
        rows, float(champion.mean()), float(challenger.mean()), gained, lost, mcnemar(gained, lost), difference
    )


def compare_sums(
    metric: str,
    champion: Floats,
    challenger: Floats,
    figure: Callable[[Floats], Floats],
    won: NDArray[np.int64],
    *,
    unit: str = "rows",
    resamples: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Compare two models by a figure of sums over rows, with an approximate randomisation test (Noreen 1989, Yeh 2000).

    Were the two equally good, each row's two answers could as well have come from the other one: the difference is
    compared with those after swapping the answers to random rows.

    Args:
        metric: The figure's name.
        champion: What is summed of its answers, shape (rows, numbers).
        challenger: The same of the other.
        figure: Computes the figure from sums of shape (…, numbers); shape (…).
        won: 1 where the challenger alone is right, -1 where the champion alone is, else 0; shape (rows,).
        unit: What a row stands for, in plural.
        resamples: Bootstrap samples of the interval.
        seed: Seed of swaps and bootstrap.

    Returns:
        The comparison.
    """
    rows, gained, lost = len(won), int((won > 0).sum()), int((won < 0).sum())
    if not rows:
        return Comparison(0, math.nan, math.nan, 0, 0, mcnemar(0, 0), Figure(math.nan), metric, unit)
    first, second = (float(figure(one.sum(0))) for one in (champion, challenger))
    both = np.stack([champion, challenger], axis=1)  # (rows, 2, numbers)
    found = intervals_of(both, lambda sums: {"difference": figure(sums[:, 1]) - figure(sums[:, 0])}, resamples, seed)
    low, high = (float(end) for end in found["difference"]) if found else (None, None)
    p = _swapped(champion, challenger, figure, -1 if metric in ERRORS else 1, seed)
    return Comparison(rows, first, second, gained, lost, p, Figure(second - first, low, high), metric, unit)


def _swapped(champion: Floats, challenger: Floats, figure: Callable[[Floats], Floats], sign: int, seed: int) -> float:
    """Return the mid-p of the difference among those after swapping answers at random, itself counted as one."""
    generator = np.random.default_rng(seed)
    apart, total = challenger - champion, champion.sum(0) + challenger.sum(0)
    uneven = np.flatnonzero(np.any(apart != 0, axis=1))  # swapping equal answers changes nothing
    apart = apart[uneven]

    def differences(taken: Floats) -> Floats:  # what the second of the two sums up to, shape (…, numbers)
        return sign * (figure(taken) - figure(total - taken))

    own = differences(challenger.sum(0))
    above, level, step = 0, 1, max(1, AT_ONCE // max(1, len(uneven)))
    for start in range(0, SWAPS, step):
        swaps = generator.random((min(step, SWAPS - start), len(uneven))) < 0.5
        drawn = differences(challenger.sum(0) - swaps @ apart)
        even = np.isclose(drawn, own, rtol=1e-9, atol=1e-12)
        above, level = above + int((~even & (drawn > own)).sum()), level + int(even.sum())
    return (above + level / 2) / (SWAPS + 1)


def mcnemar(gained: int, lost: int) -> float:
    """Return the one-sided mid-p of McNemar's test (McNemar 1947): a binomial of the uneven rows.

    The mid-p counts the chance of just what was seen by half: on few rows the exact test errs far less often than its
    level promises, and misses what the mid-p finds without breaking it (Fagerland, Lydersen and Laake 2013).

    Args:
        gained: Rows that only the one model gets right.
        lost: Rows that only the other gets right.

    Returns:
        How likely it is, if both are equally good, that at least so many are gained.
    """
    uneven, fewer = gained + lost, min(gained, lost)
    logs = [math.lgamma(uneven + 1) - math.lgamma(k + 1) - math.lgamma(uneven - k + 1) for k in range(fewer + 1)]
    chances = [math.exp(log - uneven * math.log(2)) for log in logs]
    tail = math.fsum(chances) - chances[-1] / 2
    return tail if gained > lost else 1 - tail
