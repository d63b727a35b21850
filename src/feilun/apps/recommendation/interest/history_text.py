"""A user's history as a text: what was done with which items, and how long before the latest of it."""

from __future__ import annotations

from collections.abc import Sequence

from feilun.apps.recommendation.records.events import Item
from feilun.apps.recommendation.records.interactions import DAY, History
from feilun.apps.recommendation.records.signals import parse

LAST = 5
"""Items of a history that are read, the latest first: what comes after would be cut off."""

LONGEST_TITLE = 50
AGES = ((0.02, ""), (1.0, " today"), (7.0, " this week"), (31.0, " this month"))
"""Days before the latest, and how it is said; half an hour belongs to the same visit. What is older is `earlier`."""


def words_of(positive: Sequence[str]) -> tuple[str, ...]:
    """Return what each expression of `signals.positive` is called in a text: its type, such as `read`."""
    return tuple(parse(text).type for text in positive)


def text_of_history(history: History, items: Sequence[Item], words: Sequence[str]) -> str:
    """Write a history down.

    Nothing but what is declared is in it: titles and categories of the catalogue, the expressions of the application's
    file, and how long ago; neither who the user is nor any column about the user.

    Args:
        history: What was taken, oldest first; of at least one item.
        items: The catalogue's, by number.
        words: What each action is called, by number.

    Returns:
        Such as `buy: Green kettle (kitchen) | click this week: Longjing tea (tea)`.
    """
    places = range(len(history) - 1, max(-1, len(history) - 1 - LAST), -1)
    return " | ".join(_one(history, place, items, words) for place in places)


def _one(history: History, place: int, items: Sequence[Item], words: Sequence[str]) -> str:
    item = items[history.items[place]]
    action = words[history.actions[place]] if len(history.actions) else "took"
    days = float(history.times[-1] - history.times[place]) / DAY
    age = next((said for longest, said in AGES if days <= longest), " earlier")
    categories = f" ({', '.join(item.categories[:2])})" if item.categories else ""
    return f"{action}{age}: {(item.title or item.description)[:LONGEST_TITLE]}{categories}"
