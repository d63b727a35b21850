"""The series of one scope, such as all sources and regions together, with what looks for surges in them."""

from __future__ import annotations

from collections import Counter
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

    A name that no list has is none before it was counted as often as a surge must be at least: of the many that a
    tagger finds most come once, and each series makes the proof of a surge in any other one harder.

    Args:
        detectors: What judges them, by metric.
        numbers: Their places, by topic and entity.
        listed: Entities of the list; None takes all for such.
        fewest: Documents from which on others have series.
        counted: Documents of others that have none yet.
    """

    detectors: Mapping[str, SurgeDetector]
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    listed: frozenset[str] | None = None
    fewest: int = 0
    counted: Counter[str] = field(default_factory=Counter)

    @classmethod
    def new(cls, width: int, settings: SurgeSettings | None, listed: frozenset[str] | None = None) -> Series:
        """Return series of which nothing is known, in buckets of so many seconds."""
        fewest = (settings or SurgeSettings()).minimum
        return cls({metric: SurgeDetector(0, width, settings) for metric in METRICS}, listed=listed, fewest=fewest)

    def by_bucket(self, rows: Sequence[Row[Any]]) -> dict[int, list[Numbers]]:
        """Return what was counted in each bucket; a series that was not there before is a further one.

        Args:
            rows: Numbers in the order of bucket and topic.
        """
        found: dict[int, list[Numbers]] = {}
        for row in rows:
            if self._seldom(row):
                continue
            number = self.numbers.setdefault((row.topic, row.entity), len(self.numbers))
            found.setdefault(row.bucket, []).append((number, row.negative, row.documents))
        return found

    def _seldom(self, row: Row[Any]) -> bool:
        """Count a document of an entity that is not listed, and return whether there are too few for a series."""
        if self.listed is None or not row.entity or row.entity in self.listed:
            return False
        if not row.topic and self.counted[row.entity] < self.fewest:
            self.counted[row.entity] += row.documents
        return self.counted[row.entity] < self.fewest

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
