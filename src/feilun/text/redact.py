"""Personal data replaced by placeholders: telephone numbers, resident ids, bank cards and e-mail addresses.

Numbers count only where they are well-formed: a resident id by its birth date and check character (GB 11643-1999,
ISO 7064 MOD 11-2), a card by its 13 to 19 digits, the first of them and Luhn's check digit (ISO/IEC 7812-1). Telephone
numbers are Chinese and North American ones, and any that begins with + and a country code; national forms of other
countries look like amounts and dates, and stay. Own expressions and ten lines of arithmetic rather than a library: this
runs in the light serving install, on every text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

Kind = Literal["phone", "id_card", "bank_card", "email"]

ORDER: tuple[Kind, ...] = ("email", "id_card", "bank_card", "phone")
"""The more certain kind goes first, so that the digits of a card are not taken for a telephone number."""

EMAIL = re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}")

ID_CARD = re.compile(
    r"(?<![0-9A-Za-z])[1-9]\d{5}(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[0-9Xx](?![0-9A-Za-z])"
)

BANK_CARD = re.compile(r"(?<![0-9A-Za-z])(?<!\d[ -])(?:[2-69]|1(?=800))(?:[ -]?\d){12,18}(?![0-9A-Za-z])(?![ -]\d)")

PHONE = re.compile(
    r"(?<![0-9A-Za-z.])(?<!\d[-])"
    r"(?:"
    r"(?:(?:\+|00)86[ -]?|\(\+?86\) ?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}"  # Chinese mobile
    r"|(?:(?:\+|00)86[ -]?)?\(?0(?:10|2\d|[3-9]\d\d)\)?[ -]?[2-8]\d{6,7}(?:(?:-| ?转 ?| ?ext\.? ?)\d{1,6})?"  # landline
    r"|[48]00[ -]\d{3,4}[ -]?\d{3,4}"  # Chinese service line
    r"|\+(?:[1-9]\d{0,2})[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}"  # international
    r"|(?:(?:\+|00)?1[ .-])?(?:\(\d{3}\) ?|\d{3}[.-])\d{3}[.-]\d{4}(?:x\d{1,6})?"  # North American
    r")(?![0-9A-Za-z])(?!-\d)"
)

ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ID_CHECKS = "10X98765432"


def redact(text: str, kinds: Sequence[Kind]) -> str:
    """Replace personal data by placeholders such as `[PHONE]`.

    Args:
        text: The text, full-width digits already made half-width.
        kinds: What to replace.

    Returns:
        The text; redacting it again changes nothing.
    """
    for kind in ORDER:
        if kind in kinds:
            text = redact_kind(text, kind)
    return text


def redact_kind(text: str, kind: Kind, *, in_place: bool = False) -> str:
    """Replace one kind of personal data by its placeholder.

    Args:
        text: The text.
        kind: What to replace.
        in_place: Put a `*` for each character instead, so that the text keeps its length.
    """
    pattern, valid = _KINDS[kind]

    def replaced(found: re.Match[str]) -> str:
        if not valid(found[0]):
            return found[0]
        return "*" * len(found[0]) if in_place else f"[{kind.upper()}]"

    return pattern.sub(replaced, text)


def is_id_card(text: str) -> bool:
    """Say whether 18 characters end with the check character of a Chinese resident id (GB 11643-1999)."""
    total = sum(weight * int(digit) for weight, digit in zip(ID_WEIGHTS, text, strict=False))
    return text[-1].upper() == ID_CHECKS[total % 11]


def is_bank_card(text: str) -> bool:
    """Say whether 13 to 19 digits, spaces and dashes left out, pass Luhn's check."""
    digits = [int(character) for character in text if character.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


_KINDS: dict[Kind, tuple[re.Pattern[str], Callable[[str], bool]]] = {
    "email": (EMAIL, lambda _: True),
    "id_card": (ID_CARD, is_id_card),
    "bank_card": (BANK_CARD, is_bank_card),
    "phone": (PHONE, lambda found: 7 <= sum(map(str.isdigit, found)) <= 22),
}
