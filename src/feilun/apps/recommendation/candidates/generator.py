"""The contract of candidate generators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.candidates.scoring import AllScores, Scores, Scoring
from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.context import Context, Situation
from feilun.apps.recommendation.records.interactions import History, Interactions


@dataclass(frozen=True)
class Takes:
    """What was taken after a generator had learned; of whom is not said.

    Args:
        items: Item numbers, shape (taken,).
        weights: How much each says of interest, shape (taken,).
        times: Seconds since 1970, shape (taken,).
        contexts: In what context each was taken.
    """

    items: NDArray[np.int64]
    weights: NDArray[np.float64]
    times: NDArray[np.float64]
    contexts: Sequence[Context]

    def __len__(self) -> int:
        return len(self.items)


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


class OfSituation(Protocol):
    """A generator that looks at when and in what context a list is asked for."""

    def scores_in(self, situation: Situation) -> Scores:
        """Return a score for each item, higher being better and 0 meaning nothing known, shape (items,)."""
        ...


@runtime_checkable
class Moving(Protocol):
    """A generator that moves with every event, without being trained."""

    def take(self, takes: Takes) -> None:
        """Let what was taken count."""
        ...


def scored(generator: Generator, history: History, situation: Situation) -> Scores:
    """Return the scores of all items, shape (items,).

    Args:
        generator: What is asked.
        history: What the user took.
        situation: When and in what context.
    """
    # not isinstance: of a protocol it takes as long as a small generator
    found: Scores = generator.scores_in(situation) if hasattr(generator, "scores_in") else generator.scores(history)
    return found


class Searched(Protocol):
    """A generator that finds its best items of many without a look at all of them."""

    def scoring(self, history: History, items: int) -> Scoring:
        """Return what it says in a request; `items` is how many there are."""
        ...


def scoring_of(generator: Generator, history: History, situation: Situation, items: int) -> Scoring:
    """Return what a generator says in a request.

    Args:
        generator: What is asked.
        history: What the user took.
        situation: When and in what context.
        items: How many items there are.
    """
    if hasattr(generator, "scoring"):
        searched: Scoring = generator.scoring(history, items)
        return searched
    return AllScores(scored(generator, history, situation), items)
