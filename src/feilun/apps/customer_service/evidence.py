"""What was found for a question, as features from which its probability follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from feilun.knowledge.search import Hit, SearchIndex

SHARED = 0.05
"""What words that are shared count beside the cosine."""

NAMES = ("cosine", "margin", "covered", "covers", "keyword margin")


@dataclass(frozen=True)
class Evidence:
    """The best hit of a question, and how it stands out.

    Args:
        hits: All hits, best first.
        features: In the order of `NAMES`; cosines are 0 where no vectors are at hand.
    """

    hits: tuple[Hit, ...]
    features: tuple[float, ...]


def evidence(index: SearchIndex, question: str, hits: Sequence[Hit], text_of: Callable[[Hit], str]) -> Evidence | None:
    """Weigh what was found; None where nothing was.

    Args:
        index: Where it was found: it weighs the terms.
        question: What was asked.
        hits: What was found, best first.
        text_of: Returns a hit's text that the question is compared with.
    """
    if not hits:
        return None
    ranked = sorted(hits, key=lambda hit: -_closeness(index, question, hit, text_of(hit)))
    best, rest = ranked[0], ranked[1:]
    text = text_of(best)
    cosine = best.cosine or 0.0
    features = (
        cosine,
        cosine - max((hit.cosine or 0.0 for hit in rest), default=0.0) if best.cosine is not None else 0.0,
        index.coverage(question, text),
        index.coverage(text, question),
        (best.keyword - max((hit.keyword for hit in rest), default=0.0)) / 10,
    )
    return Evidence(tuple(ranked), features)


def _closeness(index: SearchIndex, question: str, hit: Hit, text: str) -> float:
    """Return how close a hit is: ranks say which of two is better, not by how much."""
    shared = (index.coverage(question, text) + index.coverage(text, question)) / 2
    return SHARED * shared + (hit.cosine if hit.cosine is not None else hit.score)
