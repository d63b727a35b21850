"""The day that words name, told from a Friday."""

from datetime import date

import pytest

from feilun.apps.customer_service.forms.days import day_in

TODAY = date(2026, 11, 27)  # a Friday


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("昨天晚上丢的", "2026-11-26"), ("大前天", "2026-11-24"), ("刚刚", "2026-11-27"), ("三天前", "2026-11-24"),
        ("10天之前", "2026-11-17"), ("two days ago", "2026-11-25"), ("the day before yesterday", "2026-11-25"),
        ("上周五", "2026-11-20"), ("周三", "2026-11-25"), ("星期天", "2026-11-22"), ("last Monday", "2026-11-23"),
        ("2026.11.20", "2026-11-20"), ("11月20号", "2026-11-20"), ("12月30日", "2026-12-30"), ("1月5日", "2027-01-05"),
        ("20号", "2026-11-20"), ("28日", "2026-10-28"), ("November 20", "2026-11-20"),
        ("20th of November", "2026-11-20"),
        ("Nov 20th, 2025", "2025-11-20"), ("2月30日", None), ("31 February", None), ("上周", None), ("1.5万元", None),
        ("999 days ago", "2024-03-03"), ("", None),
    ],
)  # fmt: skip
def test_a_day_that_has_been(text, day):
    assert day_in(text, TODAY) == (day and date.fromisoformat(day))


@pytest.mark.parametrize(
    ("text", "day"),
    [("周三", "2026-12-02"), ("下周一", "2026-11-30"), ("next Monday", "2026-11-30"), ("Thursday", "2026-12-03"),
     ("20号", "2026-12-20"), ("28号", "2026-11-28"), ("3 days from now", "2026-11-30"), ("大后天", "2026-11-30")],
)  # fmt: skip
def test_a_day_that_lies_ahead(text, day):
    assert day_in(text, TODAY, future=True) == date.fromisoformat(day)


def test_a_year_that_is_left_out_is_the_nearest():
    assert day_in("12月30日", date(2027, 1, 5)) == date(2026, 12, 30)
    assert day_in("2月29日", TODAY) is None
    assert day_in("2月29日", date(2028, 3, 1)) == date(2028, 2, 29)
