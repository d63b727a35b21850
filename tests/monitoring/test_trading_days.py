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
    assert both.closed(spring, "XSHG")
    assert not both.closed(spring, "XNYS")
    assert both.closed(independence, "XNYS")
    assert not both.closed(spring)  # one of them trades
    assert both.closed(moment("2026-01-01T10:00"))
    assert TradingDays(CalendarSettings(markets=("XSHG",))).closed(moment("2026-02-18T00:00"))
    assert not TradingDays(CalendarSettings(markets=("XSHG",))).closed(moment("2026-02-15T23:59"))
    with pytest.raises(UsageError, match="no market 'XSHH'"):
        TradingDays(CalendarSettings(markets=("XSHH",)))


def test_days_may_be_named_and_follow_the_zone() -> None:
    days = TradingDays(CalendarSettings(closed=("2027-02-08",), zone="America/New_York"))
    assert days.closed(moment("2027-02-08T23:00", "America/New_York"))
    assert not days.closed(moment("2027-02-08T10:00"))
    assert days.local(moment("2027-02-08T09:30", "America/New_York")) % DAY == 9.5 * HOUR


def test_what_cannot_be_is_said() -> None:
    wrong = CalendarSettings(closed=("8.2.2027",), zone="Beijing").contradictions()
    assert len(wrong) == 2
    assert "2027-02-08" in wrong[0]
    assert CalendarSettings(closed=("2027-02-08",)).contradictions() == []


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
        detector.step(MONDAY + hour * HOUR, row, np.full(series, known and days[hour] in HOLIDAY)).alarms
        for hour, row in enumerate(counts)
    ])  # fmt: skip
    back = alarms[24 * HOLIDAY.stop : 24 * (HOLIDAY.stop + 3)]
    assert (back.any(axis=0).mean() <= 0.05) if known else (back.any(axis=0).mean() >= 0.5)


def test_a_holiday_of_one_series_leaves_the_others_alone() -> None:
    counts = np.random.default_rng(4).poisson(30.0, (24 * 30, 2))
    alone, beside = SurgeDetector(1, HOUR), SurgeDetector(2, HOUR)
    for hour, row in enumerate(counts):
        closed = np.array([False, hour % 100 < 24])
        one = alone.step(MONDAY + hour * HOUR, row[:1])
        both = beside.step(MONDAY + hour * HOUR, row, closed)
        np.testing.assert_allclose(one.expected, both.expected[:1])
