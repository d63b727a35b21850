"""What was found for a question, as features from which its probability follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from feilun.knowledge.search import Hit, SearchIndex

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
    best, rest = hits[0], hits[1:]
    text = text_of(best)
    cosine = best.cosine or 0.0
    features = (
        cosine,
        cosine - max((hit.cosine or 0.0 for hit in rest), default=0.0) if best.cosine is not None else 0.0,
        index.coverage(question, text),
        index.coverage(text, question),
        (best.keyword - max((hit.keyword for hit in rest), default=0.0)) / 10,
    )
    return Evidence(tuple(hits), features)
