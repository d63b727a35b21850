"""The day that words name: 昨天, 三天前, 上周五, last Friday, 11月20日, 20 November."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

NAMED = {
    "大前天": -3, "前天": -2, "前晚": -2, "昨天": -1, "昨日": -1, "昨晚": -1, "今天": 0, "今日": 0, "今早": 0,
    "今晚": 0, "刚才": 0, "刚刚": 0, "明天": 1, "明日": 1, "后天": 2, "大后天": 3, "yesterday": -1,
    "day before yesterday": -2, "last night": -1, "today": 0, "tonight": 0, "this morning": 0, "just now": 0,
    "tomorrow": 1, "day after tomorrow": 2,
}  # fmt: skip
"""Days from today by what they are called."""

NUMBERS = {
    **{name: at for at, name in enumerate("一二三四五六七八九十", 1)}, "两": 2,
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
}  # fmt: skip
NUMBER = rf"(?P<number>\d{{1,3}}|{'|'.join(NUMBERS)})"
COUNTED = (
    re.compile(rf"{NUMBER}\s*天(?:之|以)?(?P<side>前|后)"),
    re.compile(rf"\b{NUMBER}\s+days?\s+(?P<side>ago|from now)\b"),
)

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
CHINESE_WEEKDAY = re.compile(r"(?P<week>[上下这本])?个?(?:周|星期|礼拜)(?P<day>[一二三四五六日天])")
ENGLISH_WEEKDAY = re.compile(
    rf"\b(?:(?P<which>last|next)\s+)?(?P<day>{'|'.join(WEEKDAYS)})(?:day|sday|nesday|rsday|urday)?\b"
)

DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
MONTH = rf"(?P<month>{'|'.join(MONTHS)})[a-z]*"
YEAR = r",? ?(?P<year>\d{4})?"
WRITTEN = (
    re.compile(r"(?<!\d)(?P<year>\d{4})\s*[-/.年]\s*(?P<month>\d{1,2})\s*[-/.月]\s*(?P<day>\d{1,2})(?!\d)"),
    re.compile(r"(?<!\d)(?P<year>)(?P<month>\d{1,2})\s*[-/月]\s*(?P<day>\d{1,2})(?!\d)"),
    re.compile(rf"\b{DAY}(?: of)? {MONTH}{YEAR}\b"),
    re.compile(rf"\b{MONTH}\.? {DAY}{YEAR}\b"),
)  # fmt: skip
ALONE = re.compile(r"(?<![\d月])(\d{1,2})[日号]")


def day_in(text: str, today: date, *, future: bool = False) -> date | None:
    """Return the day that a text names; None where it names none, or one that is in no calendar.

    Args:
        text: What somebody said.
        today: For what is told from it, and for what is left out: of years and months the nearest is meant.
        future: Whether the day lies ahead, as that of an appointment: 周五 is then the next one, else the last one.
    """
    said = text.lower()
    for name in sorted(NAMED, key=len, reverse=True):
        if name in said:
            return today + timedelta(days=NAMED[name])
    try:
        return (
            _counted(said, today)
            or _written(said, today)
            or _weekday(said, today, future)
            or _alone(said, today, future)
        )
    except (ValueError, OverflowError):
        return None  # no such day


def _counted(said: str, today: date) -> date | None:
    found = next((match for pattern in COUNTED if (match := pattern.search(said))), None)
    if found is None:
        return None
    days = NUMBERS.get(found["number"]) or int(found["number"])
    return today + timedelta(days=-days if found["side"] in {"前", "ago"} else days)


def _written(said: str, today: date) -> date | None:
    found = next((match for pattern in WRITTEN if (match := pattern.search(said))), None)
    if found is None:
        return None
    month, day = found["month"], int(found["day"])
    number = MONTHS.index(month) + 1 if month in MONTHS else int(month)
    if found["year"]:
        return date(int(found["year"]), number, day)
    return min(_of_years(today.year, number, day), key=lambda one: abs(one - today), default=None)


def _of_years(year: int, month: int, day: int) -> Iterator[date]:
    """Yield a day of this year and of those beside it, where they have it."""
    for one in (year, year + 1, year - 1):
        try:
            yield date(one, month, day)
        except ValueError:
            continue


def _weekday(said: str, today: date, future: bool) -> date | None:
    chinese, english = CHINESE_WEEKDAY.search(said), ENGLISH_WEEKDAY.search(said)
    if chinese is not None:
        wanted = "一二三四五六日".index(chinese["day"].replace("天", "日"))
        if chinese["week"]:
            return today + timedelta(days={"上": -7, "下": 7}.get(chinese["week"], 0) + wanted - today.weekday())
    elif english is not None:
        wanted = WEEKDAYS.index(english["day"])
        future = english["which"] == "next" or (future and english["which"] != "last")
    else:
        return None
    ahead = (wanted - today.weekday()) % 7
    return today + timedelta(days=ahead if future or not ahead else ahead - 7)


def _alone(said: str, today: date, future: bool) -> date | None:
    """Return the day of a month that is not named."""
    found = ALONE.search(said)
    if found is None:
        return None
    day = int(found[1])
    more = 1 if future and day < today.day else -1 if not future and day > today.day else 0
    year, month = divmod(12 * today.year + today.month - 1 + more, 12)
    return date(year, month + 1, day)
