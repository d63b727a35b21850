"""Why an item is recommended, as a sentence in both languages and as what each feature added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from feilun.apps.recommendation.candidates.ease import Ease
from feilun.apps.recommendation.fusion import Pool
from feilun.apps.recommendation.interactions import History
from feilun.apps.recommendation.model import Model

LEAST_COSINE = 0.2
LAST = 50
"""Items of the history that a reason may name."""

SENTENCES = {
    "explored": ("You may not know this one", "也许你还没见过"),
    "taken": ("Because you chose “{title}”", "因为你选过“{title}”"),
    "recent": ("New", "新上架"),
    "same-category": ("Liked in {category}", "{category}里受欢迎"),
    "popular": ("Many take this now", "近来很多人选"),
}


@dataclass(frozen=True)
class Reason:
    """Why an item is there.

    Args:
        kind: Of `SENTENCES`.
        item: Id of the item of the history that speaks for it, where there is one.
        en: In English.
        zh: In Chinese.
    """

    kind: str
    item: str | None
    en: str
    zh: str

    def said(self, language: Literal["zh", "en"]) -> str:
        """Return the sentence in a language."""
        return self.zh if language == "zh" else self.en


def reason_for(model: Model, pool: Pool, place: int, history: History, explored: bool) -> Reason:
    """Say why a candidate is recommended.

    Args:
        model: What recommends.
        pool: The candidates.
        place: The candidate.
        history: What the user took.
        explored: Whether chance put it there.

    Returns:
        The reason: the taken item that stands nearest, by the linear item–item weights and by the texts, where one
        does; else what brought the candidate.
    """
    item = int(pool.items[place])
    if explored:
        return _reason("explored")
    nearest = _nearest(model, item, history)
    if nearest is not None:
        taken = model.catalogue.items[nearest]
        return _reason("taken", taken.id, title=taken.title or taken.id)
    brought = pool.names[pool.source[place]] if pool.source[place] >= 0 else "popular"
    categories = model.catalogue.items[item].categories
    if brought == "same-category" and categories:
        return _reason("same-category", category=categories[0])
    return _reason("recent" if brought == "recent" else "popular")


def _nearest(model: Model, item: int, history: History) -> int | None:
    if not len(history):
        return None
    taken = history.items[-LAST:]
    vectors = model.facts.vectors
    nearness = vectors[taken] @ vectors[item]
    ease = model.generators.get("ease")
    linked = ease.links(taken, item) if isinstance(ease, Ease) else np.zeros(len(taken))
    total = np.where(nearness >= LEAST_COSINE, nearness, 0) + linked
    best = int(total.argmax())
    return int(taken[best]) if total[best] > 0 else None


def _reason(kind: str, item: str | None = None, **names: str) -> Reason:
    english, chinese = (sentence.format(**names) for sentence in SENTENCES[kind])
    return Reason(kind, item, english, chinese)
