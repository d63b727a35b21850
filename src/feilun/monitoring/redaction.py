"""What is kept of a text: cleaned as a model reads it by default, personal data replaced."""

from __future__ import annotations

from feilun.text.clean import Cleaning
from feilun.text.redact import ORDER

KEPT = Cleaning(redact=ORDER)
"""Also finds numbers in full-width digits or with invisible characters in between, and takes out what no database
stores: NUL and lone surrogates."""


def kept(text: str) -> str:
    """Return a text as it is stored; doing so again changes nothing."""
    return KEPT.apply(text)
