"""How often, and how far, a series strays: chances of a test that are corrected by what the series did before.

A model of counts is right about usual days and too sure about rare ones: a stream that is retweeted widely twice a day
has such days and they are no news. The surprise of a count is its chance's -log10. Above a threshold surprises are
taken for exponential (peaks over threshold: Pickands 1975; for streams Siffer et al. 2017), their frequency and mean
excess estimated for each series. Of surprises that follow one another only the largest counts, and it is bounded, so
that one spike does not hide the next.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

THRESHOLD = 2.0
"""Surprise above which the tail begins: a chance of one in a hundred."""

LARGEST_EXCESS = 20.0
"""Most that is learnt from one surprise."""

LARGEST_MULTIPLE = 6.0
"""The same in mean excesses so far: what happens twice a day is soon usual, what happens once stays news."""

EXCESSES, BUCKETS = 30.0, 1_000.0
"""What is believed beforehand: that the model was right so often in its tail; and of how many buckets it had a tail."""

RIGHT_EXCESS = 1 / np.log(10)
"""Mean excess of the surprises of a model that is right."""

LEAST_RATE = 1e-3


class SurgeTail:
    """The tails of several tests of several series.

    Args:
        tests: Tests a series.
        keep: Share of what was learnt that stays after a bucket.
    """

    def __init__(self, tests: int, keep: float) -> None:
        self.keep = keep
        prior = (EXCESSES * RIGHT_EXCESS, EXCESSES, BUCKETS * 10**-THRESHOLD, BUCKETS)
        self._prior = np.array(prior)[:, None, None]
        self._seen = np.zeros((4, tests, 0))
        self._peak = np.zeros((tests, 0))

    def grow(self, more: int) -> None:
        """Add further series, of which nothing is known."""
        fresh = np.broadcast_to(self._prior, (*self._seen.shape[:2], more))
        self._seen = np.concatenate([self._seen, fresh], axis=2)
        self._peak = np.concatenate([self._peak, np.zeros((len(self._peak), more))], axis=1)

    def step(self, chances: Floats) -> Floats:
        """Correct the chances of a bucket, then learn from them.

        Args:
            chances: What the model says, shape (tests, series).

        Returns:
            The corrected ones, the same shape.
        """
        excess = -np.log10(np.maximum(chances, 1e-300)) - THRESHOLD
        sums, runs, times, buckets = self._seen
        rate = np.clip(times / buckets, LEAST_RATE, 1.0)
        mean = np.maximum(sums / runs, RIGHT_EXCESS)
        above = excess > 0
        beyond = rate * np.exp(-np.maximum(excess, 0) / mean)
        corrected: Floats = np.where(above, beyond, np.minimum(1.0, chances * rate / 10**-THRESHOLD))
        largest = np.minimum(LARGEST_MULTIPLE * mean, LARGEST_EXCESS)
        peak = np.where(above, np.maximum(self._peak, np.minimum(excess, largest)), 0.0)
        begins = above & (self._peak == 0)
        learnt = np.stack([np.maximum(peak - self._peak, 0) * above, begins, above, np.ones_like(chances)])
        self._seen = self._seen * self.keep + self._prior * (1 - self.keep) + learnt
        self._peak = peak
        return corrected
