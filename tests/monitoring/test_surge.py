"""Surges are found, chance is not taken for one, and a spike neither hides the next nor stays news for ever."""

from __future__ import annotations

import numpy as np

from feilun.monitoring.surge import SurgeDetector, SurgeSettings

HOUR = 3600


def watched(counts: np.ndarray, settings: SurgeSettings | None = None) -> np.ndarray:
    """Return the alarms of counts of shape (buckets, series)."""
    detector = SurgeDetector(counts.shape[1], HOUR, settings)
    return np.stack([detector.step(i * HOUR, row).alarms for i, row in enumerate(counts)])


def usual(days: int, series: int, rate: float = 20.0) -> np.ndarray:
    hours = np.arange(24 * days)
    season = 1 + 0.6 * np.sin(2 * np.pi * hours / 24)
    return np.random.default_rng(1).poisson(rate * season[:, None], (len(hours), series))


def test_usual_days_raise_next_to_no_alarm_and_a_surge_does() -> None:
    counts = usual(40, 20)
    assert watched(counts).sum() <= 2
    counts[800:803] = counts[800:803] * 5 // 2 + 10
    assert watched(counts)[800:803].any(axis=0).mean() >= 0.9


def test_a_spike_does_not_hide_the_next() -> None:
    counts = usual(40, 5)
    counts[700] *= 50
    counts[712] += 80
    alarms = watched(counts)
    assert alarms[700].all()
    assert alarms[712].all()


def test_a_level_that_stays_is_taken_over() -> None:
    counts = usual(40, 5)
    counts[600:] *= 3
    alarms = watched(counts)
    assert alarms[600:606].any(axis=0).all()
    assert not alarms[-120:].any()


def test_series_may_join_and_small_counts_are_none() -> None:
    detector = SurgeDetector(1, HOUR)
    for hour in range(24 * 20):
        detector.step(hour * HOUR, np.array([3]))
    detector.grow(2)
    assert detector.step(24 * 20 * HOUR, np.array([3, 30])).alarms.tolist() == [False, True]
    assert not detector.step((24 * 20 + 1) * HOUR, np.array([3, 4])).alarms[1]


def test_hours_and_weekdays_are_learnt_as_they_are() -> None:
    hours = np.arange(24 * 60)
    rate = 50 * (1 + 0.6 * np.sin(2 * np.pi * hours / 24)) * np.where(hours // 24 % 7 >= 5, 0.5, 1.0)
    counts = np.random.default_rng(2).poisson(rate[:, None], (len(hours), 10))
    detector = SurgeDetector(10, HOUR)
    expected = np.stack([detector.step(i * HOUR, row).expected for i, row in enumerate(counts)])[24 * 30 :]
    ratio = expected.mean(axis=1) / rate[24 * 30 :]
    assert ratio.min() > 0.85
    assert ratio.max() < 1.15


def test_what_a_series_is_used_to_is_no_news() -> None:
    counts = usual(60, 2)
    counts[np.arange(24 * 8, 24 * 60, 17), 0] += 60  # one series has a spike every 17 hours
    counts[24 * 55 + 5] += 60
    alarms = watched(counts, SurgeSettings(p_value=3e-4))
    assert alarms[24 * 55 + 5, 1]
    assert alarms[24 * 40 :, 0].sum() <= 2


def test_a_series_rests_after_an_alarm() -> None:
    counts = usual(30, 1)
    counts[600:610] += 200
    detector = SurgeDetector(1, HOUR, SurgeSettings(quiet_hours=24))
    alarms = np.stack([detector.step(i * HOUR, row).alarms for i, row in enumerate(counts)])
    assert np.flatnonzero(alarms).tolist() == [600]
