"""Words that turn what a sentence says: negations, modes and conditions, in Chinese and English."""

from __future__ import annotations

import re

NEGATION = re.compile(r"[不没無无未勿非免禁]|\b(?:no|not|never|none|neither|cannot|without|free)\b|n't", re.IGNORECASE)

ALTERING = (
    NEGATION,
    *(
        re.compile(words, re.IGNORECASE)
        for words in (
            r"可能|可以|应|须|需|必|\b(?:may|might|can|could|should|must|need|have to|has to)\b",
            r"如果|若|除非|仅|只|限|\b(?:if|unless|only|except|until|when)\b",
        )
    ),
)
"""Negations, modes and conditions: a sentence has one of a kind where its source has one, and only there."""
