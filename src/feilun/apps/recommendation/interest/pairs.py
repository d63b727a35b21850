"""What an interest model learns from: histories as texts, each beside the text of what was taken next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.interest.history_text import text_of_history
from feilun.apps.recommendation.records.events import Item
from feilun.apps.recommendation.records.interactions import History, Interactions

MOST_OF_USER = 40
"""Pairs of one user at most: who takes much is not to speak for all."""


@dataclass(frozen=True)
class Pair:
    """A history and what followed.

    Args:
        history: As a text.
        item: Text of the item that was taken next, for the first time.
        user: Number of the user: what one user took is no wrong answer for another moment of the same user.
    """

    history: str
    item: str
    user: int


def pairs_of(
    interactions: Interactions, items: Sequence[Item], words: Sequence[str], most: int, seed: int,
    left_out: NDArray[np.bool_] | None = None,
) -> list[Pair]:  # fmt: skip
    """Draw moments at which somebody took something new.

    Args:
        interactions: Of the time that may be learned from, and of no later one.
        items: The catalogue's, by number.
        words: What each action is called, by number.
        most: Pairs at most.
        seed: Of the draw.
        left_out: Items that stand in no pair, neither as history nor as what followed, shape (items,).

    Returns:
        The pairs, in the order of the users.
    """
    known = interactions if left_out is None else interactions.select(~left_out[interactions.item])
    source = np.random.default_rng(seed)
    moments = [
        (user, place)
        for user in np.unique(known.user).tolist()
        for place in _drawn(known.history(user), items, source).tolist()
    ]
    drawn = np.sort(source.choice(len(moments), min(most, len(moments)), replace=False)).tolist() if moments else []
    found = []
    for user, place in (moments[i] for i in drawn):
        history = known.history(user)
        before = text_of_history(history.part(slice(place)), items, words)
        found.append(Pair(before, items[history.items[place]].text, user))
    return found


def _drawn(history: History, items: Sequence[Item], source: np.random.Generator) -> NDArray[np.int64]:
    """Return some places of a history at which an item with a text is taken for the first time, never the very first.

    Of things done at one moment, as a table of days tells them, none comes before the other: they stay out of each
    other's history only by their order in the table.
    """
    first = np.sort(np.unique(history.items, return_index=True)[1])
    places = np.array([place for place in first.tolist() if place and items[history.items[place]].text], np.int64)
    return np.sort(source.choice(places, min(MOST_OF_USER, len(places)), replace=False))
