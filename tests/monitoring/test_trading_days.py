"""Holidays are no drop, and the day after them no surge."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from feilun.core.errors import UsageError
from feilun.monitoring.surge import SurgeDetector
from feilun.monitoring.trading_days import CalendarSettings, TradingDays

HOUR, DAY = 3_600, 86_400
MONDAY = 4 * DAY
HOLIDAY = range(42, 49)
"""A week off after six weeks."""


def moment(text: str, zone: str = "Asia/Shanghai") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def test_days_are_those_of_the_markets() -> None:
    pytest.importorskip("holidays")
    both = TradingDays(CalendarSettings(markets=("XSHG", "XNYS")))
    spring, independence = moment("2026-02-18T10:00"), moment("2025-07-04T10:00")
    assert both.rest(spring, "XSHG") == 1
    assert both.rest(spring, "XNYS") == 0
    assert both.rest(independence, "XNYS") == 1
    assert both.rest(spring) == 0  # one of them trades
    assert both.rest(moment("2026-01-01T10:00")) == 1
    assert TradingDays(CalendarSettings(markets=("XSHG",))).rest(moment("2026-02-18T00:00")) == 1
    assert TradingDays(CalendarSettings(markets=("XSHG",))).rest(moment("2026-02-15T23:59")) == 0
    with pytest.raises(UsageError, match="no market 'XSHH'"):
        TradingDays(CalendarSettings(markets=("XSHH",)))


def test_half_days_are_those_of_the_markets_and_named_ones() -> None:
    pytest.importorskip("holidays")
    hong_kong = TradingDays(CalendarSettings(markets=("XHKG",), half=("2026-03-04",), closed=("2026-02-16",)))
    assert hong_kong.rest(moment("2026-12-24T10:00")) == 0.5  # Christmas Eve
    assert hong_kong.rest(moment("2026-03-04T10:00")) == 0.5
    assert hong_kong.rest(moment("2026-02-16T10:00")) == 1  # half a day for the exchange, but named
    assert hong_kong.rest(moment("2026-12-25T10:00")) == 1
    assert hong_kong.rest(moment("2026-12-24T10:00"), "XSHG") == 0  # knows none
    both = TradingDays(CalendarSettings(markets=("XHKG", "XNYS"), zone="America/New_York"))
    assert both.rest(moment("2026-12-24T10:00", "America/New_York")) == 0.5
    assert both.rest(moment("2026-11-27T10:00", "America/New_York")) == 0  # in New York alone
    assert both.rest(moment("2026-12-25T10:00", "America/New_York")) == 1


def test_days_may_be_named_and_follow_the_zone() -> None:
    days = TradingDays(CalendarSettings(closed=("2027-02-08",), zone="America/New_York"))
    assert days.rest(moment("2027-02-08T23:00", "America/New_York")) == 1
    assert days.rest(moment("2027-02-08T10:00")) == 0
    assert days.local(moment("2027-02-08T09:30", "America/New_York")) % DAY == 9.5 * HOUR


def test_what_cannot_be_is_said() -> None:
    wrong = CalendarSettings(closed=("8.2.2027",), zone="Beijing").contradictions()
    assert len(wrong) == 2
    assert "2027-02-08" in wrong[0]
    assert CalendarSettings(closed=("2027-02-08",)).contradictions() == []


def test_a_half_day_is_expected_half_way_to_a_sunday_and_teaches_neither() -> None:
    """Written about by 100 on weekdays and 40 on Sundays; on half days, Thursdays, of the second series by 70."""
    detector, halves = SurgeDetector(2, HOUR), range(31, 60, 7)
    expected = []
    for hour in range(24 * 60):
        day = hour // 24
        usual = 40.0 if day % 7 == 6 else 100.0
        seen = np.array([usual, 70.0 if day in halves else usual])
        expected.append(
            detector.step(MONDAY + hour * HOUR, seen, np.array([0.0, 0.5]) if day in halves else None).expected
        )
    by_day = np.array(expected).reshape(-1, 24, 2).mean(axis=1)
    np.testing.assert_allclose(by_day[59], [100, 70], rtol=0.05)
    np.testing.assert_allclose(by_day[55:59], [[40, 40], [100, 100], [100, 100], [100, 100]], rtol=0.05)


@pytest.mark.parametrize("known", [False, True])
def test_work_after_a_holiday_is_news_only_to_who_does_not_know_it(known: bool) -> None:
    series = 40
    hours = np.arange(24 * 60)
    days = hours // 24
    rest = (days % 7 >= 5) | np.isin(days, HOLIDAY)
    rate = 60 * (1 + 0.4 * np.sin(2 * np.pi * hours / 24)) * np.where(rest, 0.35, 1.0)
    counts = np.random.default_rng(3).poisson(rate[:, None], (len(hours), series))
    detector = SurgeDetector(series, HOUR)
    alarms = np.stack([
        detector.step(MONDAY + hour * HOUR, row, np.full(series, float(known and days[hour] in HOLIDAY))).alarms
        for hour, row in enumerate(counts)
    ])  # fmt: skip
    back = alarms[24 * HOLIDAY.stop : 24 * (HOLIDAY.stop + 3)]
    assert (back.any(axis=0).mean() <= 0.05) if known else (back.any(axis=0).mean() >= 0.5)


def test_a_holiday_of_one_series_leaves_the_others_alone() -> None:
    counts = np.random.default_rng(4).poisson(30.0, (24 * 30, 2))
    alone, beside = SurgeDetector(1, HOUR), SurgeDetector(2, HOUR)
    for hour, row in enumerate(counts):
        rest = np.array([0.0, hour % 100 < 24])
        one = alone.step(MONDAY + hour * HOUR, row[:1])
        both = beside.step(MONDAY + hour * HOUR, row, rest)
        np.testing.assert_allclose(one.expected, both.expected[:1])
