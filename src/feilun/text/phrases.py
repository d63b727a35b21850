"""Phrases that tell some texts from others: log-odds with a prior of both (Monroe, Colaresi, Quinn 2008).

A phrase is a word or two that follow one another, in one case; it counts once a text.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from feilun.text.near_duplicates import CJK_LETTER
from feilun.text.segment import sentences, words

PRIOR = 0.01
LEAST_SCORE = 1.96
"""Standard deviations that a phrase must stand out by."""

SHORTEST = 2
ENGLISH = (
    "the a an of to in on for and or but with by at from as is are was were be been has have had it its this "
    "that which who will would can could may not no than then they their he she his her we our you your i my "
    "me us so if after before into over under up down out about said says new more most just get got am do "
    "does did "
)
CHINESE = "的了在和与及或是有将已对为从被于等也都就还又其该这那此个年月日"
STOPPED = frozenset((*ENGLISH.split(), *CHINESE, "称", "表示", "公司", "目前", "相关", "进行"))
"""Words that no phrase consists of."""


def phrases_of(text: str) -> set[str]:
    """Return the phrases of a text."""
    found: set[str] = set()
    for sentence in sentences(text):
        said = words(sentence)
        kept = [word if word not in STOPPED and not word.isdecimal() else "" for word in said]
        found.update(word for word in kept if len(word) >= SHORTEST)
        for one, other in pairwise(kept):
            if one and other:
                joint = "" if CJK_LETTER.match(one[-1]) and CJK_LETTER.match(other[0]) else " "
                found.add(f"{one}{joint}{other}")
    return found


def telling_phrases(texts: Sequence[str], others: Iterable[str], count: int) -> list[tuple[str, int]]:
    """Return the phrases that stand in more of some texts than of others, by how much they stand out.

    Args:
        texts: The texts to tell about.
        others: What they are compared with.
        count: How many phrases at most.

    Returns:
        Each phrase with the number of `texts` that hold it; of two that say the same only the longer one.
    """
    inside, outside = _counts(texts), _counts(others)
    total_in, total_out = sum(inside.values()), sum(outside.values())
    scored = []
    for phrase, many in inside.items():
        if many < max(2, 0.05 * len(texts)):
            continue
        score = _log_odds(many, total_in, outside[phrase], total_out)
        if score >= LEAST_SCORE:
            scored.append((score, phrase, many))
    chosen: list[tuple[str, int]] = []
    for _, phrase, many in sorted(scored, key=lambda one: (-one[0], -len(one[1]), one[1])):
        if not any(phrase in other or other in phrase for other, _ in chosen):
            chosen.append((phrase, many))
    return chosen[:count]


def _counts(texts: Iterable[str]) -> Counter[str]:
    return Counter(phrase for text in texts for phrase in phrases_of(text))


def _log_odds(inside: int, total_in: int, outside: int, total_out: int) -> float:
    """Return by how many standard deviations a phrase is more frequent inside."""
    prior = PRIOR * (inside + outside)
    whole = PRIOR * (total_in + total_out)
    one, other = inside + prior, outside + prior
    difference = math.log(one / (total_in + whole - one)) - math.log(other / (total_out + whole - other))
    return difference / math.sqrt(1 / one + 1 / other)
