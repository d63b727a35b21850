"""Counts that halve with time, and grow with what happens."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FARTHEST = 100.0
"""Half-lives from the landmark after which it is moved, so that numbers stay small."""


class DecayedCounts:
    """Weights by item, each worth half after a half-life.

    Weights are counted forward from a landmark (Cormode et al. 2009): time goes by without any of them being touched.

    Args:
        shape: Of the counts, the items last.
        half_life: Seconds; infinite where nothing decays.
        landmark: When a weight counts as it is, seconds since 1970.
    """

    def __init__(self, shape: tuple[int, ...], half_life: float, landmark: float) -> None:
        self.half_life = half_life
        self.landmark = landmark
        self._forward = np.zeros(shape)

    def add(
        self, items: NDArray[np.int64], weights: Floats, times: Floats, rows: NDArray[np.int64] | None = None
    ) -> None:
        """Count weights; items that came later find room.

        Args:
            items: Numbers, shape (counted,).
            weights: As of their time, shape (counted,).
            times: Seconds since 1970, shape (counted,).
            rows: Of each the row, where there are rows of items, shape (counted,).
        """
        if not len(items):
            return
        self._move(float(times.max()))
        missing = int(items.max()) + 1 - self._forward.shape[-1]
        if missing > 0:
            self._forward = np.pad(self._forward, (*[(0, 0)] * (self._forward.ndim - 1), (0, missing)))
        forward = weights * 0.5 ** ((self.landmark - times) / self.half_life)
        np.add.at(self._forward, items if rows is None else (rows, items), forward)

    def at(self, moment: float) -> Floats:
        """Return what everything counted is worth at a moment, shape as given; not to be changed."""
        forward = self._forward
        away = (moment - self.landmark) / self.half_life
        return forward * 0.5 ** max(-FARTHEST, away) if away else forward

    def _move(self, latest: float) -> None:
        away = (latest - self.landmark) / self.half_life
        if away > FARTHEST:
            self._forward *= 0.5 ** min(away, 1000.0)
            self.landmark = latest
