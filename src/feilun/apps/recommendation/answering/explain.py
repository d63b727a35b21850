"""Why an item is recommended, as a sentence in both languages and as what each feature added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.candidates.ease import Ease
from feilun.apps.recommendation.candidates.fusion import Pool
from feilun.apps.recommendation.ranking.model import Model
from feilun.apps.recommendation.records.interactions import History

LEAST_COSINE = 0.2
LAST = 50
"""Items of the history that a reason may name."""

SENTENCES = {
    "explored": ("You may not know this one", "也许你还没见过"),
    "taken": ("Because you chose “{title}”", "因为你选过“{title}”"),
    "recent": ("New", "新上架"),
    "same-category": ("Liked in {category}", "{category}里受欢迎"),
    "same-creator": ("More by {creator}, whom you chose before", "来自你选过的{creator}"),
    "trending": ("More and more take this", "正在升温"),
    "popular-in-segment": ("Many like you take this", "和你相近的人很多选"),
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


def reasons_for(
    model: Model, pool: Pool, places: NDArray[np.int64], history: History, explored: NDArray[np.bool_]
) -> list[Reason]:
    """Say why candidates are recommended.

    Args:
        model: What recommends.
        pool: The candidates.
        places: Those of the list, shape (shown,).
        history: What the user took.
        explored: Whether chance put each there, shape (shown,).

    Returns:
        The reason of each: the taken item that stands nearest, by the linear item–item weights and by the texts, where
        one does; else what brought the candidate.
    """
    nearest = _nearest(model, pool.items[places], history)
    return [
        _reason("explored") if by_chance else _reason_for(model, pool, place, taken)
        for place, by_chance, taken in zip(places.tolist(), explored.tolist(), nearest, strict=True)
    ]


def _reason_for(model: Model, pool: Pool, place: int, nearest: int) -> Reason:
    """Say why a candidate is recommended; the taken item that stands nearest is -1 where there is none."""
    if nearest >= 0:
        taken = model.catalogue.items[nearest]
        return _reason("taken", taken.id, title=taken.title or taken.id)
    brought = pool.names[pool.source[place]] if pool.source[place] >= 0 else "popular"
    categories = model.catalogue.items[pool.items[place]].categories
    if brought == "same-category" and categories:
        return _reason("same-category", category=categories[0])
    creator = model.catalogue.items[pool.items[place]].creator
    if brought == "same-creator" and creator:
        return _reason("same-creator", creator=creator)
    if brought.startswith("recent"):
        return _reason("recent")
    return _reason(brought if brought in {"trending", "popular-in-segment"} else "popular")


def _nearest(model: Model, items: NDArray[np.int64], history: History) -> list[int]:
    """Return for each item the taken one that stands nearest, -1 where none does."""
    if not len(history):
        return [-1] * len(items)
    taken = history.items[-LAST:]
    vectors = model.facts.vectors
    nearness = vectors[taken] @ vectors[items].T  # (taken, items)
    total = np.where(nearness >= LEAST_COSINE, nearness, 0)
    ease = model.generators.get("ease")
    if isinstance(ease, Ease):
        total = total + ease.links(taken, items)
    best = total.argmax(0)
    found: list[int] = np.where(total.max(0) > 0, taken[best], -1).tolist()
    return found


def _reason(kind: str, item: str | None = None, **names: str) -> Reason:
    english, chinese = (sentence.format(**names) for sentence in SENTENCES[kind])
    return Reason(kind, item, english, chinese)
