"""What a customer's words are worth as the value of a field: read, and held to what is valid."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date

from feilun.apps.customer_service.forms.days import day_in
from feilun.apps.customer_service.forms.settings import FieldKind, FieldSettings
from feilun.apps.customer_service.words import slots
from feilun.apps.customer_service.words.phrases import place_named
from feilun.apps.customer_service.words.slots import SlotReader
from feilun.knowledge.terms import simplified

LONGEST = 200
"""Characters of a field of the kind `text`."""

ASKS = re.compile(
    r"[?？]\s*$|[吗呢]\s*[。!！]?$|什么|怎么|多少|几[点天时个]|哪|能不能|可不可以"
    r"|^(?:what|how|when|where|why|who|which|can|could|do|does|is|are|may)\b",
    re.IGNORECASE,
)


def value_of(
    text: str, field: FieldSettings, today: date, *, asked: bool, reader: SlotReader = slots.RULES
) -> str | None:
    """Return the value that a text gives a field; None where it gives no valid one.

    Args:
        text: What the customer said, personal data replaced.
        field: The field.
        today: For dates.
        asked: Whether the text answers the question for this field: free text counts then alone.
        reader: Finds numbers and products.
    """
    if field.kind == "text":
        said = text.strip()
        return said if asked and 0 < len(said) <= LONGEST and not asks(said) else None
    if field.kind in SLOT_KINDS:
        return reader.found(text, [field.kind]).get(field.kind)
    return READ[field.kind](text, field, today)


def asks(text: str) -> bool:
    """Say whether a text reads like a question: no value of a field of the kind `text`."""
    return bool(ASKS.search(simplified(text)))


def _choice(text: str, field: FieldSettings, today: date) -> str | None:
    said = simplified(text.strip().lower())
    place = place_named(said)
    if place is not None and place <= len(field.options):
        return field.options[place - 1]
    named = [option for option in field.options if simplified(option.lower()) in said]
    return named[0] if len(named) == 1 else None


def _amount(text: str, field: FieldSettings, today: date) -> str | None:
    found = slots.found(text, ["amount"]).get("amount")
    if found is None and re.fullmatch(r"\s*\d[\d,]*(?:\.\d{1,2})?\s*", text):
        found = text.strip()
    if found is None:
        return None
    size = float(re.sub(r"[^\d.]", "", found)) * (10_000 if "万" in found else 1)
    low = field.minimum is not None and size < field.minimum
    high = field.maximum is not None and size > field.maximum
    return None if low or high else found


def _date(text: str, field: FieldSettings, today: date) -> str | None:
    day = day_in(simplified(text), today, future=field.future)
    return None if day is None or (field.future and day < today) else day.isoformat()


SLOT_KINDS: tuple[FieldKind, ...] = ("order_number", "card_ending", "product")
"""Kinds whose values are read like those of an answer's slots, and held to nothing else."""

READ: Mapping[FieldKind, Callable[[str, FieldSettings, date], str | None]] = {
    "amount": _amount,
    "date": _date,
    "choice": _choice,
}
