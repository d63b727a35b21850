"""What a customer's words are worth as the value of a field: read, and held to what is valid."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta

from feilun.apps.customer_service import slots
from feilun.apps.customer_service.forms.settings import FieldKind, FieldSettings

DAY = re.compile(r"(?:(?P<year>\d{4})[-/年])?(?P<month>\d{1,2})[-/月](?P<day>\d{1,2})[日号]?")

DAYS = {"大后天": 3, "后天": 2, "明天": 1, "今天": 0, "day after tomorrow": 2, "tomorrow": 1, "today": 0}
"""Days from today by what they are called; longer names stand before those that they hold."""

LONGEST = 200
"""Characters of a field of the kind `text`."""

ASKS = re.compile(
    r"[?？]\s*$|[吗呢]\s*[。!！]?$|什么|怎么|多少|几[点天时个]|哪|能不能|可不可以"
    r"|^(?:what|how|when|where|why|who|which|can|could|do|does|is|are|may)\b",
    re.IGNORECASE,
)
"""Reads like a question: no value of a field of the kind `text`."""


def value_of(text: str, field: FieldSettings, today: date, *, asked: bool) -> str | None:
    """Return the value that a text gives a field; None where it gives no valid one.

    Args:
        text: What the customer said, personal data replaced.
        field: The field.
        today: For dates.
        asked: Whether the text answers the question for this field: free text counts then alone.
    """
    if field.kind == "text":
        said = text.strip()
        return said if asked and 0 < len(said) <= LONGEST and not ASKS.search(said) else None
    return READ[field.kind](text, field, today)


def _choice(text: str, field: FieldSettings, today: date) -> str | None:
    said = text.strip().lower()
    by_number = {str(number): option for number, option in enumerate(field.options, 1)}
    if said in by_number:
        return by_number[said]
    named = [option for option in field.options if option.lower() in said]
    return named[0] if len(named) == 1 else None


def _amount(text: str, field: FieldSettings, today: date) -> str | None:
    found = slots.found(text, ["amount"]).get("amount")
    if found is None and re.fullmatch(r"\s*[\d,]+(?:\.\d{1,2})?\s*", text):
        found = text.strip()
    if found is None:
        return None
    size = float(re.sub(r"[^\d.]", "", found)) * (10_000 if "万" in found else 1)
    low = field.minimum is not None and size < field.minimum
    high = field.maximum is not None and size > field.maximum
    return None if low or high else found


def _date(text: str, field: FieldSettings, today: date) -> str | None:
    day = _day(text.lower(), today)
    return None if day is None or (field.future and day < today) else day.isoformat()


def _day(text: str, today: date) -> date | None:
    for name, ahead in DAYS.items():
        if name in text:
            return today + timedelta(days=ahead)
    match = DAY.search(text)
    if match is None:
        return None
    try:
        day = date(int(match["year"] or today.year), int(match["month"]), int(match["day"]))
        # a day without a year that has passed by half a year or more is one of the next year
        return day if match["year"] or (today - day).days < 183 else day.replace(year=day.year + 1)
    except ValueError:
        return None  # no such day


def _slot(name: str) -> Callable[[str, FieldSettings, date], str | None]:
    return lambda text, field, today: slots.found(text, [name]).get(name)


READ: Mapping[FieldKind, Callable[[str, FieldSettings, date], str | None]] = {
    "order_number": _slot("order_number"),
    "card_ending": _slot("card_ending"),
    "amount": _amount,
    "date": _date,
    "choice": _choice,
}
