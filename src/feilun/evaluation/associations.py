"""What goes with what: marks that rows carry against the groups, or the numbers, of a further column.

Many pairs are looked at, so that some differ by chance: the false-discovery rate is controlled (Benjamini, Hochberg
1995), and the intervals of what is reported are widened for having been chosen (Benjamini, Yekutieli 2005). A
difference says that two things go together, not that one brings about the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.errors import MissingExtra
from feilun.core.remark import Remark
from feilun.evaluation.intervals import wilson

Floats = NDArray[np.float64]

FALSE_DISCOVERIES = 0.05
"""Share of what is reported that may be there by chance."""

FEWEST_ROWS = 10
"""Rows that a mark, a group and what is outside of it must have to be tested."""


LEAST_EXPECTED = 5
"""Rows that must be expected where a mark is tested: below it the normal tail is too thin (Cochran 1954)."""


@dataclass(frozen=True)
class Association:
    """A mark that goes with a group, or with higher or lower numbers.

    Args:
        mark: Number of the mark.
        group: Name of the group; empty where the column holds numbers.
        inside: Share of the group's rows with the mark; of numbers, their mean over rows with the mark.
        outside: The same of all other rows.
        effect: `inside` - `outside`; of numbers, the chance that a row with the mark has the higher one of two, less
            one half: it does not hang on a few huge numbers, as means do.
        low: Lower end of the interval of the effect.
        high: Its upper end.
        p_value: The chance of so large a difference where there is none, not yet corrected.
        rows: Rows that carry the mark, within the group where there is one.
    """

    mark: int
    group: str
    inside: float
    outside: float
    effect: float
    low: float
    high: float
    p_value: float
    rows: int


def with_groups(held: Any, values: Sequence[str | None], groups: Sequence[str]) -> tuple[list[Association], int]:
    """Find marks that stand in more or fewer rows of a group than elsewhere.

    Args:
        held: Whether a row carries a mark, sparse, shape (rows, marks), of 0 and 1.
        values: The group of each row; rows of None are left out.
        groups: The groups to compare, each with all other rows.

    Returns:
        What was found, the surest first, by the two-proportion test with a pooled variance; and how many pairs were
        tested.
    """
    known = np.array([value is not None for value in values])
    held, named = held[known], np.array([value for value in values if value is not None], dtype=object)
    rows, everywhere = len(named), np.asarray(held.sum(axis=0)).ravel()
    tested: list[tuple[float, int, str, int, int, int, int]] = []
    for group in groups:
        own = named == group
        size = int(own.sum())
        if min(size, rows - size) < FEWEST_ROWS:
            continue
        hits = np.asarray(held[own].sum(axis=0)).ravel()
        misses = everywhere - hits
        pooled = everywhere / rows
        spread = np.sqrt(np.maximum(pooled * (1 - pooled), 1e-12) * (1 / size + 1 / (rows - size)))
        p_values = _two_sided((hits / size - misses / (rows - size)) / spread)
        usable = np.minimum(pooled, 1 - pooled) * min(size, rows - size) >= LEAST_EXPECTED
        tested += [
            (float(p_values[mark]), mark, group, int(hits[mark]), size, int(misses[mark]), rows - size)
            for mark in np.flatnonzero(usable).tolist()
        ]
    chosen, level = _discoveries([one[0] for one in tested])
    found = []
    for index in chosen:
        p_value, mark, group, hits_in, size, hits_out, others = tested[index]
        low, high = newcombe(hits_in, size, hits_out, others, level)
        inside, outside = hits_in / size, hits_out / others
        found.append(Association(mark, group, inside, outside, inside - outside, low, high, p_value, hits_in))
    return found, len(tested)


def with_numbers(held: Any, values: Sequence[float | None]) -> tuple[list[Association], int]:
    """Find marks whose rows have higher or lower numbers than the others.

    Args:
        held: Whether a row carries a mark, sparse, shape (rows, marks), of 0 and 1.
        values: The number of each row; rows of None are left out.

    Returns:
        What was found, the surest first, by the test of Mann and Whitney (1947) with ties; and how many marks were
        tested.
    """
    stats = _stats()
    known = np.array([value is not None and np.isfinite(value) for value in values], dtype=bool)
    held = held[known]
    numbers = np.array([value for value, there in zip(values, known, strict=True) if there], dtype=np.float64)
    rows = len(numbers)
    count = np.asarray(held.sum(axis=0)).ravel()
    # where nearly all numbers are equal, it is the few others that must be expected often enough
    others = 1 - np.unique(numbers, return_counts=True)[1].max(initial=0) / max(1, rows)
    rarer = np.minimum(count, rows - count)
    usable = np.flatnonzero((rarer >= FEWEST_ROWS) & (rarer * others >= LEAST_EXPECTED))
    if not len(usable):
        return [], 0
    count = count[usable]
    ranks = stats.rankdata(numbers)
    # the chance that a row with the mark has the higher number, ties counted half, less one half
    effect = ((held.T @ ranks)[usable] / count - (count + 1) / 2) / (rows - count) - 0.5
    spread = np.sqrt(ranks.var(ddof=1) / (rows * count * (rows - count)))  # of a draw without replacement
    p_values = _two_sided(effect / spread)
    chosen, level = _discoveries(p_values.tolist())
    reach = float(stats.norm.ppf((1 + level) / 2)) * spread
    sums, total = (held.T @ numbers)[usable], numbers.sum()
    found = []
    for index in chosen:
        inside, outside = sums[index] / count[index], (total - sums[index]) / (rows - count[index])
        middle, width = float(effect[index]), float(reach[index])
        ends = max(-0.5, middle - width), min(0.5, middle + width)
        mark, p_value = int(usable[index]), float(p_values[index])
        found.append(Association(mark, "", float(inside), float(outside), middle, *ends, p_value, int(count[index])))
    return found, len(usable)


def newcombe(hits: int, rows: int, other_hits: int, other_rows: int, level: float) -> tuple[float, float]:
    """Return the interval of a difference of two shares (Newcombe 1998, method 10)."""
    share, other = hits / rows, other_hits / other_rows
    low, high = wilson(hits, rows, level)
    other_low, other_high = wilson(other_hits, other_rows, level)
    difference = share - other
    return (
        difference - float(np.hypot(share - low, other_high - other)),
        difference + float(np.hypot(high - share, other - other_low)),
    )


def _discoveries(p_values: Sequence[float]) -> tuple[list[int], float]:
    """Return which tests are reported, the surest first, and the level of their intervals."""
    order = np.argsort(p_values, kind="stable")
    ranked = np.asarray(p_values, dtype=np.float64)[order]
    passing = np.flatnonzero(ranked <= FALSE_DISCOVERIES * np.arange(1, len(ranked) + 1) / max(1, len(ranked)))
    count = int(passing[-1]) + 1 if len(passing) else 0
    return order[:count].tolist(), 1 - FALSE_DISCOVERIES * max(1, count) / max(1, len(ranked))


def _two_sided(deviations: Floats) -> Floats:
    found: Floats = 2 * _stats().norm.sf(np.abs(deviations))
    return found


def _stats() -> Any:
    try:
        from scipy import stats
    except ImportError as error:
        raise MissingExtra("scipy", "data", Remark("Comparing groups", "比较各组")) from error
    return stats
