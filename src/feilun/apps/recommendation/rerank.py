"""What happens to a ranking before it is shown: rules, variety, and a declared share of chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.catalogue import Catalogue
from feilun.apps.recommendation.settings import ListSettings


@dataclass(frozen=True)
class Chosen:
    """Places of the pool that make the list.

    Args:
        places: In the order in which they are shown, shape (shown,).
        propensities: How likely the policy put each there, shape (shown,).
        explored: Whether chance put it there, shape (shown,).
    """

    places: NDArray[np.int64]
    propensities: NDArray[np.float64]
    explored: NDArray[np.bool_]


def permitted(catalogue: Catalogue, settings: ListSettings) -> NDArray[np.bool_]:
    """Return which items the rules let through, shape (items,)."""
    creators, categories = set(settings.blocked_creators), set(settings.blocked_categories)
    blocked = [item.creator in creators or not categories.isdisjoint(item.categories) for item in catalogue.items]
    through: NDArray[np.bool_] = catalogue.shown & ~np.array(blocked, dtype=bool)
    return through


def boosts(catalogue: Catalogue, items: NDArray[np.int64], settings: ListSettings) -> NDArray[np.float64]:
    """Return what the rules add to the standardised score of each item, shape (candidates,)."""
    given = settings.boost_categories
    if not given:
        return np.zeros(len(items))
    return np.array([sum(given.get(name, 0.0) for name in catalogue.items[i].categories) for i in items])


def choose(
    scores: NDArray[np.float64],
    vectors: NDArray[np.float32],
    creators: NDArray[np.int64],
    count: int,
    settings: ListSettings,
    source: np.random.Generator,
) -> Chosen:
    """Build the list from the top: relevance less likeness to what stands above (MMR, Carbonell and Goldstein 1998).

    At each place, with the probability `exploration`, a candidate is drawn evenly from those left; the probability
    with which the item that came was going to come is told, given what stands above it.

    Args:
        scores: Standardised, shape (candidates,).
        vectors: Unit vectors of the texts, shape (candidates, width).
        creators: Of each, -1 for none, shape (candidates,).
        count: Length of the list.
        settings: Variety, chance and most of a creator.
        source: Draws.

    Returns:
        The list; shorter where candidates run out.
    """
    left = np.ones(len(scores), bool)
    likeness = np.full(len(scores), -1.0)
    shown: dict[int, int] = {}
    found: list[tuple[int, float, bool]] = []
    while len(found) < count and left.any():
        value = (1 - settings.diversity) * scores - settings.diversity * (likeness if found else 0.0)
        best = int(np.where(left, value, -np.inf).argmax())
        open_places = np.flatnonzero(left)
        explored = settings.exploration > 0 and bool(source.random() < settings.exploration)
        place = int(source.choice(open_places)) if explored else best
        chance = settings.exploration / len(open_places) + (1 - settings.exploration) * (place == best)
        found.append((place, chance, explored))
        left[place] = False
        likeness = np.maximum(likeness, vectors @ vectors[place])
        creator = int(creators[place])
        shown[creator] = shown.get(creator, 0) + 1
        if settings.most_of_creator is not None and creator >= 0 and shown[creator] >= settings.most_of_creator:
            left[creators == creator] = False
    return Chosen(
        np.array([place for place, _, _ in found], np.int64),
        np.array([chance for _, chance, _ in found]),
        np.array([explored for _, _, explored in found], bool),
    )
