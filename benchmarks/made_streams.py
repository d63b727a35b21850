"""Made streams of counts with surges at known places, and simple detectors to compare ours with.

A series has a profile of hours and weekdays (and where asked for holidays like weekends), more spread than Poisson, now
and then a level that moves for good, bursts of reposts, and counts that come too late to be judged. Surges raise it 2.5
times for six buckets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

HOURS, WEEK = 24, 168
SURGES, LENGTH, TIMES = 3, 6, 2.5
FIRST_DAY = 21
"""Surges and what is counted begin after the detectors have seen three weeks."""

APART = 6 * HOURS
SHIFTED, BURSTS = 0.1, 1.0
"""Share of series whose level moves once, and bursts of reposts a series."""

LATE = 0.03


@dataclass(frozen=True)
class Made:
    """Counts, and what is in them.

    Args:
        counts: As a detector sees them, shape (buckets, series).
        surges: The first bucket of each surge, shape (surges, series).
        excused: Whether a bucket belongs to a surge, a burst of reposts or the day after a level moved: an alarm in it
            is not false; shape (buckets, series).
    """

    counts: Floats
    surges: NDArray[np.int64]
    excused: Flags


def make(base: float, series: int, days: int, seed: int, holidays: Sequence[int] = ()) -> Made:
    """Make series of hourly counts of a base rate, the first day a Monday; `holidays` are numbers of days."""
    draw = np.random.default_rng(seed)
    buckets = np.arange(days * HOURS)[:, None]
    hour = 1 + draw.uniform(0.2, 0.6, series) * np.sin(2 * np.pi * (buckets + draw.integers(0, HOURS, series)) / HOURS)
    rest = (buckets // HOURS % 7 >= 5) | np.isin(buckets // HOURS, holidays)
    weekday = np.where(rest, draw.uniform(0.4, 1.0, series), 1.0)
    rate = base * hour * weekday
    rate /= rate.mean(axis=0) / base
    excused = np.zeros(rate.shape, dtype=bool)
    for one in np.flatnonzero(draw.random(series) < SHIFTED):
        at = int(draw.integers(FIRST_DAY * HOURS, len(buckets) - HOURS))
        rate[at:, one] *= draw.choice([0.5, 1.5, 2.0])
        excused[at : at + HOURS, one] = True
    slots = np.arange(FIRST_DAY * HOURS, len(buckets) - APART, APART)
    surges = np.stack([draw.choice(slots, SURGES, replace=False) for _ in range(series)], axis=1)
    surges += draw.integers(0, APART // 2, surges.shape)
    for one in range(series):
        for at in surges[:, one]:
            rate[at : at + LENGTH, one] *= TIMES
            excused[at : at + 2 * LENGTH, one] = True
    dispersion = draw.uniform(0.01, 0.1, series)
    counts = draw.negative_binomial(1 / dispersion, 1 / (1 + rate * dispersion)).astype(np.float64)
    for one in range(series):
        for at in draw.integers(0, len(buckets) - 2, draw.poisson(BURSTS)):
            counts[at : at + 2, one] += draw.poisson(draw.uniform(2, 8) * base, 2)
            excused[at : at + LENGTH, one] = True
    return Made(draw.binomial(counts.astype(np.int64), 1 - LATE).astype(np.float64), surges, excused)


def judge(alarms: Flags, made: Made, merged: int) -> tuple[float, float]:
    """Return the share of surges found within three buckets, and false incidents a series-year.

    Args:
        alarms: Shape (buckets, series).
        made: The series.
        merged: Buckets within which further alarms belong to the same incident.
    """
    series = np.arange(alarms.shape[1])
    found = np.stack([alarms[made.surges + later, series] for later in range(3)]).any(axis=0)
    false = 0
    for one in series:
        last = -merged - 1
        for bucket in np.flatnonzero(alarms[:, one]):
            if bucket - last > merged and bucket >= FIRST_DAY * HOURS and not made.excused[bucket, one]:
                false += 1
            last = bucket
    years = (len(alarms) - FIRST_DAY * HOURS) / (365 * HOURS) * len(series)
    return float(found.mean()), false / years


def z_score(counts: Floats) -> Floats:
    """Return how many standard deviations of the last week a count lies above its mean."""
    past = _windows(counts, WEEK)
    return (counts - past.mean(axis=1)) / np.maximum(past.std(axis=1), 1)


def ewma(counts: Floats, share: float = 0.3) -> Floats:
    """Return a moving average of residuals in its own standard deviations (EWMA chart, Roberts 1959)."""
    past = _windows(counts, WEEK)
    residual = (counts - past.mean(axis=1)) / np.maximum(past.std(axis=1), 1)
    found = np.zeros_like(residual)
    for bucket in range(1, len(residual)):
        found[bucket] = (1 - share) * found[bucket - 1] + share * residual[bucket]
    return found / np.sqrt(share / (2 - share))


def seasonal(counts: Floats) -> Floats:
    """Return standard deviations above the mean of the same hour and weekday of the last four weeks, smoothed."""
    past = np.stack([_shifted(counts, week * WEEK) for week in range(1, 5)])
    known = ~np.isnan(past)
    mean = np.nan_to_num(past).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return (counts - mean) / np.maximum(np.sqrt(_trailing(np.square(counts - mean))), 1)


def s_h_esd(counts: Floats) -> Floats:
    """Return robust deviations from the median of the same hour of the last two weeks, as S-H-ESD's (Vallis 2014)."""
    past = np.stack([_shifted(counts, day * HOURS) for day in range(1, 15)])
    residual = counts - np.nanmedian(np.where(np.isnan(past), counts, past), axis=0)
    spread = np.median(np.abs(_windows(residual, WEEK)), axis=1) * 1.4826
    return residual / np.maximum(spread, 1)


PEERS: dict[str, Callable[[Floats], Floats]] = {
    "z-score": z_score, "EWMA": ewma, "S-H-ESD": s_h_esd, "seasonal mean": seasonal,
}  # fmt: skip
"""Each gives how far every bucket strays, shape (buckets, series), from what came before it."""


def _windows(counts: Floats, size: int) -> Floats:
    """Return the buckets before each bucket, shape (buckets, size, series); those before the first repeat it."""
    padded = np.concatenate([np.repeat(counts[:1], size, axis=0), counts[:-1]])
    return np.swapaxes(np.lib.stride_tricks.sliding_window_view(padded, size, axis=0), 1, 2)


def _shifted(counts: Floats, by: int) -> Floats:
    found = np.full_like(counts, np.nan)
    found[by:] = counts[:-by]
    return found


def _trailing(values: Floats) -> Floats:
    """Return the mean over the four weeks before each bucket."""
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    end = np.arange(len(values))
    begin = np.maximum(0, end - 4 * WEEK)
    return (sums[end] - sums[begin]) / np.maximum(end - begin, 1)[:, None]
