"""Moments as business tables write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

DATE = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T\s]*(\d{1,2})[:时点](\d{1,2})分?(?::?(\d{1,2})(?:\.\d+)?秒?)?)?"
)
EPOCH_SECONDS, EPOCH_MILLISECONDS = 10, 13


def read_time(text: str) -> datetime | None:
    """Read a moment: ISO 8601, `2024/1/5 9:30`, `2024年1月5日`, or seconds or milliseconds since 1970.

    Args:
        text: The cell.

    Returns:
        The moment, without zone where the text has none; None where it cannot be read without guessing.
    """
    text = text.strip()
    whole, _, fraction = text.partition(".")
    if f"{whole}{fraction}".isdecimal() and len(whole) in {EPOCH_SECONDS, EPOCH_MILLISECONDS}:
        return datetime.fromtimestamp(float(text) / (1000 if len(whole) == EPOCH_MILLISECONDS else 1), UTC)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        found = DATE.fullmatch(text)
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()) if found else [0] * 6
        return datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None


def seconds(iso: str) -> float:
    """Return the seconds since 1970 of an ISO 8601 text; a moment without zone counts as UTC."""
    moment = datetime.fromisoformat(iso)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
