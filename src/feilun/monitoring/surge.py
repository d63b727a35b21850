"""Surges in counts, found online in many series at once.

Each series is expected to follow a level times a profile of the hour of the day and the day of the week, all estimated
as ratios of sums, shrunk towards no profile, so that sparse series have none. What exceeds the expectation by far is
cut off before it is learnt from: a spike neither raises the level nor hides the next one. A level that stays elsewhere
for a while is taken over. The test is a negative binomial one, its dispersion estimated from what was seen (Lawless
1987), on the last bucket and on sums of the last ones; its chances are corrected by how far each series has strayed
before (`surge_tail.py`); over many series the false-discovery rate is controlled (Benjamini, Hochberg 1995).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from feilun.core.settings import setting
from feilun.monitoring.surge_tail import SurgeTail

DAY = 86_400
SUNDAY = 3
"""Of seven days that begin with that of second 0, a Thursday."""

Floats = NDArray[np.float64]


class _Slot(NamedTuple):
    """The place of a bucket in the profile.

    Args:
        hour: Its hour of the day.
        weekday: Its day of the week.
        rest: How much of the day each series rests, shape (series,).
    """

    hour: int
    weekday: int
    rest: Floats

    @property
    def sunday(self) -> int:
        """Return the day that a holiday is like; there is one day alone where buckets are longer than one."""
        return SUNDAY if self.rest.any() else self.weekday


@dataclass(frozen=True)
class SurgeSettings:
    """How surges are looked for; a table `[surge]`."""

    p_value: float = setting(8e-4, "smallest chance of a count from which on it is a surge", above=0, below=1)
    false_discoveries: float = setting(0.05, "share of surges that may be none, over all series of a bucket", above=0)
    minimum: int = setting(5, "smallest count of a surge", minimum=1)
    sums: tuple[int, ...] = setting((1, 2, 3), "how many of the last buckets are tested together", minimum=1)
    memory_days: float = setting(14.0, "days after which the level has forgotten two thirds of what it saw", above=0)
    settle_days: float = setting(2.0, "days after which a level that stays is taken over", above=0)
    warm_up_days: float = setting(7.0, "days of history before the first alarm", minimum=0)
    least_ratio: float = setting(1.5, "smallest ratio of a surge to what was expected", minimum=1)
    quiet_hours: float = setting(0.0, "hours after an alarm in which its series raises no other", minimum=0)


@dataclass(frozen=True)
class Surges:
    """What was found in a bucket, one value a series.

    Args:
        p_values: The chance of so many in a series that strays as this one does, shape (series,); 1 while nothing is
            known yet.
        expected: What was expected in the bucket, the same shape.
        alarms: Whether it is a surge, the same shape.
    """

    p_values: Floats
    expected: Floats
    alarms: NDArray[np.bool_]


class SurgeDetector:
    """Watches counts of equal buckets.

    Args:
        series: How many series there are; more may be added by `grow`.
        width: Seconds of a bucket.
        settings: How surges are looked for.
    """

    def __init__(self, series: int, width: int, settings: SurgeSettings | None = None) -> None:
        self.settings = settings or SurgeSettings()
        self.width = width
        self._hours = max(1, min(24, DAY // width)) if width < DAY else 1
        self._days = 7 if width <= DAY else 1
        self._keep = float(np.exp(-width / (self.settings.memory_days * DAY)))
        self._keep_profile = float(np.exp(-width / (8 * self.settings.memory_days * DAY)))
        self._settle = max(4, round(self.settings.settle_days * DAY / width))
        self._recent: deque[Floats] = deque(maxlen=max(self.settings.sums))
        self._sums = np.zeros((len(self.settings.sums), 2, 0))
        self._tail = SurgeTail(len(self.settings.sums), self._keep)
        self._hour = np.ones((2, self._hours, 0))
        self._day = np.ones((2, self._days, 0))
        self._level = np.zeros((2, 0))
        self._fast = np.zeros((2, 0))
        self._spread = np.zeros((2, 0))
        self._off = np.zeros(0)
        self._age = np.zeros(0)
        self._alarmed = np.zeros(0)
        self.grow(series)

    def grow(self, series: int) -> None:
        """Add series that have not been seen before, up to a number of them: as long as the others, all zeros."""
        more = series - len(self._age)
        if more <= 0:
            return
        seen = (self._age.max(), self._level[1].max()) if len(self._age) else (0.0, 0.0)
        prior = 5.0
        self._hour = np.concatenate([self._hour, np.full((2, self._hours, more), prior)], axis=2)
        self._day = np.concatenate([self._day, np.full((2, self._days, more), prior)], axis=2)
        for name in ("_level", "_fast", "_spread"):
            setattr(self, name, np.concatenate([getattr(self, name), np.zeros((2, more))], axis=1))
        self._off = np.concatenate([self._off, np.zeros(more)])
        self._age = np.concatenate([self._age, np.full(more, seen[0])])
        self._level[1, -more:] = seen[1]
        self._alarmed = np.concatenate([self._alarmed, np.full(more, -np.inf)])
        self._recent = deque([_padded(one, more) for one in self._recent], maxlen=self._recent.maxlen)
        self._sums = _padded(self._sums, more)
        self._tail.grow(more)

    def step(self, bucket: int, counts: NDArray[np.int64] | Floats, rest: Floats | None = None) -> Surges:
        """Judge the counts of the next bucket, then learn from them.

        Args:
            bucket: The second at which it begins, by the clock whose hours and days the series follow.
            counts: One of each series, shape (series,).
            rest: How much of the day each rests, the same shape: 1 is a holiday, expected to be like a Sunday, 0.5 half
                way to one; None where none does.

        Returns:
            What was found.
        """
        values = np.asarray(counts, dtype=np.float64)
        slot = self._slot(bucket, rest)
        profile = self._profile(slot)
        expected = self._ratio(self._level) * profile
        dispersion = self._dispersion()
        self._add(np.stack([values, expected]))
        warm = self._age * self.width >= self.settings.warm_up_days * DAY
        chances = np.where(warm, self._chances(dispersion), 1.0)
        p_values = np.minimum(1.0, self._tail.step(chances).min(axis=0) * len(chances))
        alarms = self._alarms(p_values, values, expected) & self._rested(bucket)
        self._alarmed[alarms] = bucket
        self._learn(values, expected, profile, dispersion, slot)
        return Surges(p_values, expected, alarms)

    def _slot(self, bucket: int, rest: Floats | None) -> _Slot:
        resting = np.zeros(len(self._age)) if rest is None or self._days <= SUNDAY else rest
        return _Slot((bucket % DAY) * self._hours // DAY, (bucket // DAY) % self._days, resting)

    def _profile(self, slot: _Slot) -> Floats:
        weekday = self._day[0, slot.weekday] / self._day[1, slot.weekday]
        sunday = self._day[0, slot.sunday] / self._day[1, slot.sunday]
        of_day = (1 - slot.rest) * weekday + slot.rest * sunday
        found: Floats = (self._hour[0, slot.hour] / self._hour[1, slot.hour]) * of_day
        return found

    def _ratio(self, sums: Floats) -> Floats:
        found: Floats = (sums[0] + 0.1) / (sums[1] + 0.5)  # before anything was seen, one in five buckets
        return found

    def _dispersion(self) -> Floats:
        """Return by how much the variance exceeds Poisson's, as a share of the squared mean."""
        found: Floats = np.clip((self._spread[0] + 0.5) / (self._spread[1] + 10.0), 0.005, 4.0)
        return found

    def _add(self, seen: Floats) -> None:
        """Take a bucket into the sums and let the oldest one of each go.

        Args:
            seen: Counts and what was expected, shape (2, series).
        """
        for place, number in enumerate(self.settings.sums):
            self._sums[place] += seen
            if number <= len(self._recent):
                self._sums[place] -= self._recent[-number]
        self._recent.append(seen)

    def _chances(self, dispersion: Floats) -> Floats:
        """Return the chance of so many in each sum, shape (sums, series)."""
        numbers = np.minimum(self.settings.sums, len(self._recent))[:, None]
        size = numbers / dispersion  # sums of independent ones of the same mean
        counts, mean = np.rint(self._sums[:, 0]), np.maximum(self._sums[:, 1], 1e-6)
        found: Floats = np.where(counts > 0, betainc(np.maximum(counts, 1), size, mean / (size + mean)), 1.0)
        return found

    def _rested(self, bucket: int) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = bucket - self._alarmed >= self.settings.quiet_hours * 3_600
        return found

    def _alarms(self, p_values: Floats, values: Floats, expected: Floats) -> NDArray[np.bool_]:
        ranked = np.sort(p_values)
        passing = ranked <= self.settings.false_discoveries * np.arange(1, len(ranked) + 1) / max(1, len(ranked))
        bound = ranked[passing][-1] if passing.any() else 0.0
        large = (values >= self.settings.minimum) & (values >= self.settings.least_ratio * expected)
        found: NDArray[np.bool_] = (p_values <= min(self.settings.p_value, bound)) & large
        return found

    def _learn(self, values: Floats, expected: Floats, profile: Floats, dispersion: Floats, slot: _Slot) -> None:
        deviation = np.sqrt(expected + dispersion * expected**2)
        cut = np.clip(values, expected - 3 * deviation, expected + 3 * deviation + 1)
        young = self._age * self.width < min(2.0, self.settings.warm_up_days) * DAY
        cut = np.where(young, values, cut)
        # while a series is young its level moves fast: the memory grows with its age
        self._level = self._level * self._keep + np.stack([cut, profile])
        keep_fast = np.exp(-1 / max(2.0, self._settle / 3))
        self._fast = self._fast * keep_fast + np.stack([values, profile])
        of_hour = self._hour[0, slot.hour] / self._hour[1, slot.hour]
        of_day = profile / of_hour
        self._hour *= self._keep_profile
        self._day *= self._keep_profile
        # each is a ratio to what is expected without it, once there is a level to expect anything by
        known = self._age * self.width >= DAY
        self._hour[:, slot.hour] += np.where(known, np.stack([cut, expected / of_hour]), 0.0)
        seen = np.stack([cut, expected / of_day])  # a half day tells of neither of the two that it lies between
        self._day[:, slot.weekday] += np.where(known & (slot.rest == 0), seen, 0.0)
        self._day[:, slot.sunday] += np.where(known & (slot.rest == 1), seen, 0.0)
        self._hour += 5.0 * (1 - self._keep_profile)  # the prior does not fade
        self._day += 5.0 * (1 - self._keep_profile)
        self._spread = self._spread * self._keep_profile + np.stack([(cut - expected) ** 2 - expected, expected**2])
        self._rebase(values, expected, deviation)
        self._age += 1

    def _rebase(self, values: Floats, expected: Floats, deviation: Floats) -> None:
        """Take over a level that has stayed elsewhere for long enough."""
        side = np.sign(values - expected) * (np.abs(values - expected) > 0.5 * deviation)
        same = (np.sign(self._off) == side) & (side != 0)
        self._off = np.where(same, self._off + side, np.where(side == 0, self._off * 0.7, side))
        fast, level = self._ratio(self._fast), self._ratio(self._level)
        elsewhere = np.maximum(fast, level) > 1.3 * np.minimum(fast, level)
        moved = (np.abs(self._off) >= self._settle / 2) & elsewhere
        if moved.any():
            held = np.minimum(self._level[1], self._settle)
            self._level[:, moved] = np.stack([fast * held, held])[:, moved]
            self._off[moved] = 0


def _padded(values: Floats, more: int) -> Floats:
    """Return values with zeros for further series, shape (…, series + more)."""
    return np.concatenate([values, np.zeros((*values.shape[:-1], more))], axis=-1)
