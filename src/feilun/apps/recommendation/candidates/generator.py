"""The contract of candidate generators."""

from __future__ import annotations

from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.interactions import History, Interactions

Scores = NDArray[np.float32]


class Generator(Protocol):
    """Scores all items for what a user took; users are never remembered, so a new event counts at once."""

    def fit(self, interactions: Interactions, catalogue: Catalogue, now: float) -> Self:
        """Learn from interactions.

        Args:
            interactions: What users took.
            catalogue: The items.
            now: Seconds since 1970.
        """
        ...

    def scores(self, history: History) -> Scores:
        """Return a score for each item, higher being better and 0 meaning nothing known, shape (items,)."""
        ...


@runtime_checkable
class OfContent(Protocol):
    """A generator that knows a new item from what it is."""

    def again(self, interactions: Interactions, catalogue: Catalogue, now: float) -> Generator:
        """Take a changed catalogue in; items that were there keep their numbers, and nothing is trained.

        Args:
            interactions: What the generator had learned from.
            catalogue: The items as they are now.
            now: Seconds since 1970.
        """
        ...
