"""NAB's score (Lavin, Ahmad 2015), standard profile, from its published rule.

Within a window only the earliest detection counts: the earlier, the nearer to 1, by a sigmoid that is 0 at the window's
end. A detection outside costs 0.11, less shortly after a window; a window without one costs 1. The first 15 % of a
series, at most of 5,000 rows, are not scored. A detector that never speaks has 0, one that speaks at the first row of
each window and nowhere else has 100.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FALSE_POSITIVE, FALSE_NEGATIVE = 0.11, 1.0
PROBATION, PROBATION_OF = 0.15, 5_000
STEEPNESS = 5.0


@dataclass(frozen=True)
class Stream:
    """A series with labelled windows.

    Args:
        name: Its name.
        seconds: When each row was counted, shape (rows,).
        values: The counts, the same shape.
        windows: First and last row of each window.
    """

    name: str
    seconds: NDArray[np.int64]
    values: NDArray[np.float64]
    windows: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Score:
    """Raw scores of some series, which may be added.

    Args:
        raw: Sum over detections and missed windows.
        windows: How many windows there are.
        hits: Windows with a detection.
        false: Detections outside of windows.
    """

    raw: float = 0.0
    windows: int = 0
    hits: int = 0
    false: int = 0

    def __add__(self, other: Score) -> Score:
        """Return the score of both together."""
        return Score(
            self.raw + other.raw, self.windows + other.windows, self.hits + other.hits, self.false + other.false
        )

    @property
    def normalised(self) -> float:
        """Return it between 0 (nothing said) and 100 (perfect); below 0 where silence were better."""
        null, perfect = -FALSE_NEGATIVE * self.windows, float(self.windows)
        return 100 * (self.raw - null) / (perfect - null)


def read_stream(folder: Path, name: str) -> Stream:
    """Read a series of nab_tweets."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    seconds = np.array([_seconds(row["timestamp"]) for row in rows], dtype=np.int64)
    spans = json.loads((folder / "windows.json").read_text(encoding="utf-8"))[name]
    windows = tuple(
        (int(np.searchsorted(seconds, _seconds(begin))), int(np.searchsorted(seconds, _seconds(end), side="right")) - 1)
        for begin, end in spans
    )
    return Stream(name, seconds, np.array([float(row["value"]) for row in rows]), windows)


def score(detections: Sequence[int], windows: Sequence[tuple[int, int]], rows: int) -> Score:
    """Score the detections of a series.

    Args:
        detections: Their rows, in order.
        windows: First and last row of each window, in order.
        rows: Rows of the series.
    """
    first = min(math.floor(PROBATION * rows), int(PROBATION * PROBATION_OF))
    raw, false, hit = 0.0, 0, set()
    for row in (one for one in detections if one >= first):
        inside = next((window for window in windows if window[0] <= row <= window[1]), None)
        if inside is None:
            false += 1
            before = [window for window in windows if window[1] < row]
            raw += FALSE_POSITIVE * (
                _sigmoid((row - before[-1][1]) / (before[-1][1] - before[-1][0])) if before else -1
            )
        elif inside not in hit:
            hit.add(inside)
            begin, end = inside
            raw += _sigmoid(-(end - row + 1) / (end - begin + 1)) / _sigmoid(-1.0)
    return Score(raw - FALSE_NEGATIVE * (len(windows) - len(hit)), len(windows), len(hit), false)


def _sigmoid(position: float) -> float:
    """Return 1 far before a window's end, 0 at it, -1 far behind; positions are in widths of the window."""
    return -1.0 if position > 3 else 2 / (1 + math.exp(STEEPNESS * position)) - 1


def _seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp())
