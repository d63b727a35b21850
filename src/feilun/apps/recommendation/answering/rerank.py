"""What happens to a ranking before it is shown: rules, variety, and a declared share of chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.records.catalogue import Catalogue
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
    building = Building(scores, vectors, creators, settings)
    found: list[tuple[int, float, bool]] = []
    while len(found) < count and building.left.any():
        explored = settings.exploration > 0 and bool(source.random() < settings.exploration)
        best = building.best()
        place = int(source.choice(np.flatnonzero(building.left))) if explored else best
        found.append((place, building.chance(place, best), explored))
        building.put(place)
    return Chosen(
        np.array([place for place, _, _ in found], np.int64),
        np.array([chance for _, chance, _ in found]),
        np.array([explored for _, _, explored in found], bool),
    )


class Building:
    """A list as it grows from the top, with the chances of what comes next.

    Args:
        scores: Standardised, shape (candidates,).
        vectors: Unit vectors of the texts, shape (candidates, width).
        creators: Of each, -1 for none, shape (candidates,).
        settings: Variety, chance and most of a creator.
    """

    def __init__(
        self, scores: NDArray[np.float64], vectors: NDArray[np.float32], creators: NDArray[np.int64],
        settings: ListSettings,
    ) -> None:  # fmt: skip
        self.left = np.ones(len(scores), bool)
        self._scores, self._vectors, self._creators, self._settings = scores, vectors, creators, settings
        self._likeness: NDArray[np.float64] | None = None
        self._shown: dict[int, int] = {}

    def best(self) -> int:
        """Return the candidate that comes next where chance does not decide; there must be one left."""
        likeness = 0.0 if self._likeness is None else self._likeness
        value = (1 - self._settings.diversity) * self._scores - self._settings.diversity * likeness
        return int(np.where(self.left, value, -np.inf).argmax())

    def chances(self) -> NDArray[np.float64]:
        """Return how likely each candidate comes next, shape (candidates,); all 0 where none is left."""
        found = np.zeros(len(self.left))
        if self.left.any():
            found[self.left] = self._settings.exploration / self.left.sum()
            found[self.best()] += 1 - self._settings.exploration
        return found

    def chance(self, place: int, best: int) -> float:
        """Return how likely a candidate that is left comes next, given which does where chance does not decide."""
        drawn = self._settings.exploration / int(self.left.sum())
        return drawn + (1 - self._settings.exploration) * (place == best)

    def put(self, place: int) -> None:
        """Let a candidate come next."""
        self.left[place] = False
        self.follow(self._vectors[place], int(self._creators[place]))

    def follow(self, vector: NDArray[np.float32], creator: int) -> None:
        """Let an item come next, whether it is a candidate or not: what is like it, or its creator's, stands back."""
        near = (self._vectors @ vector).astype(np.float64)
        self._likeness = near if self._likeness is None else np.maximum(self._likeness, near)
        self._shown[creator] = self._shown.get(creator, 0) + 1
        most = self._settings.most_of_creator
        if most is not None and creator >= 0 and self._shown[creator] >= most:
            self.left[self._creators == creator] = False
