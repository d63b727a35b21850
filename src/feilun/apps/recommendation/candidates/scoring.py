"""What a generator says of the items in one request: which are best, and what it gives each of some."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]

SAMPLED, FEWEST_SAMPLED = 16, 10_000
"""Every so-manieth score is looked at first, where there are so many."""

FEWEST_SEARCHED = 20_000
"""Items from which on vectors are searched instead of compared with all of them."""


class Scoring(Protocol):
    """The scores of one request; they need not all be computed."""

    def best(self, allowed: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
        """Return the allowed items with the highest scores above 0, best first, shape (at most count,)."""
        ...

    def of(self, items: NDArray[np.int64]) -> Scores:
        """Return the scores of some items, NaN of those that came after the generator had learned, shape (asked,)."""
        ...


class AllScores:
    """The scores of all items, computed.

    Args:
        scores: Shape (items,) or of fewer, where others came later.
        items: How many items there are.
    """

    def __init__(self, scores: Scores, items: int) -> None:
        self.scores = padded(scores, items)

    def best(self, allowed: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
        """Return the allowed items with the highest scores above 0, best first, shape (at most count,)."""
        return best(self.scores, allowed, count)

    def of(self, items: NDArray[np.int64]) -> Scores:
        """Return the scores of some items, shape (asked,)."""
        return self.scores[items]


def best(scores: Scores, allowed: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
    """Return the allowed items with the highest scores above 0, best first, shape (at most count,)."""
    if count < 1:
        return np.zeros(0, np.int64)
    floor = _floor(scores, count)
    promising = np.flatnonzero(allowed & (scores >= floor if floor > 0 else scores > 0))
    if len(promising) < count and floor > 0:
        promising = np.flatnonzero(allowed & (scores > 0))
    found = scores[promising]
    if len(promising) > count:
        kept = np.argpartition(-found, count - 1)[:count]
        # of equal scores the first in the catalogue come, whichever the partition left out
        last = found[kept].min()
        above, equal = np.flatnonzero(found > last), np.flatnonzero(found == last)
        kept = np.concatenate([above, equal[: count - len(above)]])
        promising, found = promising[kept], found[kept]
    return promising[np.lexsort((promising, -found))]


def _floor(scores: Scores, count: int) -> float:
    """Guess from a sample a score that a few times `count` items reach: sorting these is ten times as fast as all."""
    sample = np.fmax(scores[::SAMPLED], 0)  # also of NaN
    wanted = 4 * count // SAMPLED + 1
    if len(scores) < FEWEST_SAMPLED or wanted >= len(sample):
        return 0.0
    return max(0.0, float(np.partition(sample, -wanted)[-wanted]))


def padded(scores: Scores, items: int) -> Scores:
    """Give items that came after a generator had learned no score (NaN): nothing speaks for or against them."""
    missing = items - len(scores)
    return np.pad(scores, (0, missing), constant_values=np.nan) if missing > 0 else scores
