"""Texts that differ in nothing but their spelling."""

from __future__ import annotations

import re

from feilun.knowledge.terms import simplified


def spelt_alike(text: str) -> str:
    """Return a form that texts share which differ in signs, capitals, or simplified and traditional characters."""
    return re.sub(r"\W+", "", simplified(text).casefold())
