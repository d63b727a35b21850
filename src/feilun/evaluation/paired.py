"""Two models compared on the same rows: what one gets right and the other does not."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.core.report import Figure
from feilun.evaluation.resampling import intervals_of


@dataclass(frozen=True)
class Comparison:
    """A challenger beside a champion on the same rows.

    Args:
        n: Rows.
        champion: Its accuracy; NaN where there are no rows.
        challenger: Its accuracy.
        gained: Rows that only the challenger gets right.
        lost: Rows that only the champion gets right.
        p: Of McNemar's test, one-sided: how likely so many gained are if the two are equal. As it is the mid-p,
            `1 - p` says the same of so many lost.
        difference: Challenger's accuracy less the champion's, with its 95 % paired bootstrap interval.
    """

    n: int
    champion: float
    challenger: float
    gained: int
    lost: int
    p: float
    difference: Figure

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
