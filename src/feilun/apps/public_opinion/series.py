"""The series of one scope, such as all sources and regions together, with what looks for surges in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row

from feilun.monitoring.surge import SurgeDetector, Surges, SurgeSettings

METRICS = ("negative", "documents")

Numbers = tuple[int, int, int]
"""Place of a series, its negative documents and all of them."""


@dataclass
class Series:
    """The series of a scope.

    Args:
        detectors: What judges them, by metric.
        numbers: Their places, by topic and entity.
    """

    detectors: Mapping[str, SurgeDetector]
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)

    @classmethod
    def new(cls, width: int, settings: SurgeSettings | None) -> Series:
        """Return series of which nothing is known, in buckets of so many seconds."""
        return cls({metric: SurgeDetector(0, width, settings) for metric in METRICS})

    def by_bucket(self, rows: Sequence[Row[Any]]) -> dict[int, list[Numbers]]:
        """Return what was counted in each bucket; a series that was not there before is a further one."""
        found: dict[int, list[Numbers]] = {}
        for row in rows:
            number = self.numbers.setdefault((row.topic, row.entity), len(self.numbers))
            found.setdefault(row.bucket, []).append((number, row.negative, row.documents))
        return found

    def step(
        self, local: int, found: Sequence[Numbers], rest: NDArray[np.float64] | None
    ) -> tuple[dict[str, NDArray[np.int64]], dict[str, Surges]]:
        """Judge a bucket, and return counts of each series, shape (series,), and surges, both by metric."""
        table = np.zeros((len(METRICS), len(self.numbers)), dtype=np.int64)
        for number, *values in found:
            table[:, number] = values
        counts = dict(zip(METRICS, table, strict=True))
        surges = {}
        for metric, detector in self.detectors.items():
            detector.grow(len(self.numbers))
            surges[metric] = detector.step(local, counts[metric], rest)
        return counts, surges
