"""Answers that say the same: nearly word for word equal, as a FAQ has them that grew in several hands.

Two entries that give one answer are no rivals: whichever is found, the customer hears the same.
"""

from __future__ import annotations

import re
from functools import lru_cache

from feilun.apps.customer_service.words.turning_words import NEGATION
from feilun.knowledge.terms import search_terms

NEARLY_ALL = 0.8
"""Share of the terms of two answers that stand in both (Jaccard), from which on they say the same.

What differs then is wording; a number or a negation more is another answer, however much else is equal.
"""

NUMBER = re.compile(r"\d")

KEPT = 4096
"""Answers whose terms are kept."""


def says_the_same(one: str, other: str) -> bool:
    """Say whether two answers are nearly word for word equal, with the same numbers and negations."""
    first, second = _terms(one), _terms(other)
    if not first or len(first & second) < NEARLY_ALL * len(first | second):
        return False
    return not any(NEGATION.search(term) or NUMBER.search(term) for term in first ^ second)


@lru_cache(KEPT)
def _terms(text: str) -> frozenset[str]:
    return frozenset(search_terms(text))
