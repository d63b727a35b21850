"""Chinese text in bytes of no mark: UTF-8 where they are valid in it, else Big5 told from GB 18030.

Both take two bytes a character, and nearly every Big5 text is valid GB 18030 too. What tells them apart is where the
common characters stand: half of those of a Big5 text begin with a byte from A4 to AF, in which GB 18030 has kana, Greek
and rare characters; four in ten of a GB 18030 text begin with one above C6 or below A1, or end between 80 and A0, where
Big5 has rare characters or none.
"""

from __future__ import annotations

import re
from typing import Literal

Encoding = Literal["utf-8", "big5", "gb18030"]

CODECS: dict[Encoding, tuple[str, ...]] = {"big5": ("cp950", "big5hkscs"), "gb18030": ("gb18030",)}
"""Python's codecs of each: Big5 as Windows writes it, and with the characters of Hong Kong."""

SIGN = re.compile(
    rb"(?P<big5>[\xa4-\xaf][\x40-\x7e\xa1-\xfe]|[\xa1-\xa3][\x40-\x7e])"
    rb"|(?P<gb18030>[\x81-\xa0\xc7-\xfe][^\x00-\x2f]|[\xa1-\xc6][\x30-\x3f\x80-\xa0]|[\xa1-\xa3][\xa1-\xfe])"
    rb"|[\x80-\xff].",
    re.DOTALL,
)
"""A pair of bytes, with what it speaks for."""

HAN_RUN = re.compile("[\u4e00-\u9fff]+")

SAMPLE = 1 << 16
"""Bytes of a text that are looked at."""

DAMAGED_SHARE = 0.1
"""Wrong bytes per character beyond ASCII up to which a text is damaged UTF-8: text of another encoding has far more."""


def decode(raw: bytes, otherwise: Encoding = "gb18030") -> tuple[str, Encoding] | None:
    """Read Chinese text.

    Args:
        raw: Its bytes.
        otherwise: What it is taken for where as much speaks for Big5 as for GB 18030.

    Returns:
        The text and its encoding, damaged UTF-8 with U+FFFD where it is; None where it is valid in none.
    """
    text = raw.decode("utf-8", "replace")
    damaged = text.count("\ufffd") - raw.count(b"\xef\xbf\xbd")
    if not damaged or damaged <= DAMAGED_SHARE * sum(not character.isascii() for character in text):
        return text, "utf-8"
    for encoding in in_order(raw, otherwise):
        for codec in CODECS[encoding]:
            try:
                return raw.decode(codec), encoding
            except UnicodeDecodeError:
                continue
    return None


def is_chinese(text: str) -> bool:
    """Return whether Han characters of a text stand together, as accented Latin letters read as Chinese do not.

    Args:
        text: As `decode` read it.
    """
    runs = HAN_RUN.findall(text)
    return 2 * sum(len(run) > 1 for run in runs) > len(runs)


def in_order(raw: bytes, otherwise: Encoding = "gb18030") -> tuple[Encoding, Encoding]:
    """Return Big5 and GB 18030, the likelier one first.

    Args:
        raw: The bytes of a text; its beginning is looked at.
        otherwise: The likelier one where as much speaks for both.
    """
    signs = [found.lastgroup for found in SIGN.finditer(raw[:SAMPLE])]
    big5, gb18030 = signs.count("big5"), signs.count("gb18030")
    is_big5 = otherwise == "big5" if big5 == gb18030 else big5 > gb18030
    return ("big5", "gb18030") if is_big5 else ("gb18030", "big5")
