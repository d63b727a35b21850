"""What was found for a question: candidates, each with features from which its probability follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
from numpy.typing import NDArray

QUESTION = ("cosine", "mean cosine", "answer's cosine", "covered", "covers", "keyword", "answer's keyword")
"""Features of an entry: the nearest and the mean way to ask it, its answer, and the words that are shared."""

PASSAGE = ("cosine", "covered", "covers", "keyword")
"""Features of a passage."""

KEYWORD_SCALE = 10.0
"""BM25 scores are divided by it, so that all features are of one size."""


Look = Callable[[tuple[str, ...]], NDArray[np.float64]]
"""Gives the log odds that each of some candidates asks the same, by a model that reads both; shape (candidates,)."""

WORTH = 0.01
"""Probability from which on it is worth asking whether a candidate says what a more probable one says."""

Same = Callable[[str, str], bool]
"""Says whether two candidates give the same answer."""


def different(one: str, other: str) -> bool:
    """Say that no two candidates give the same answer."""
    return False


@dataclass(frozen=True)
class Evidence:
    """The candidates of a question.

    Args:
        ids: The entries or passages.
        features: In the order of `QUESTION` or `PASSAGE`, shape (candidates, features); cosines are 0 where no vectors
            are at hand.
        look: Looks at candidates again; None where nothing does.
        same: Says whether two candidates, by their ids, give the same answer.
    """

    ids: tuple[str, ...]
    features: NDArray[np.float64]
    look: Look | None = None
    same: Same = different

    def without(self, identity: str) -> Evidence:
        """Return the evidence as if a candidate were not there, nor any other that says the same."""
        return self._only([own != identity and not self.same(identity, own) for own in self.ids])

    def alone(self, identity: str) -> Evidence:
        """Return the evidence as if a candidate were the only one that says what it says."""
        return self._only([own == identity or not self.same(identity, own) for own in self.ids])

    def _only(self, kept: Sequence[bool]) -> Evidence:
        return replace(self, ids=tuple(compress(self.ids, kept)), features=self.features[list(kept)])


@dataclass(frozen=True)
class Weighed:
    """A candidate with the probability that it is what was asked for.

    Args:
        id: The entry or passage.
        probability: 0 to 1; those of all candidates and of "nothing fits" sum to 1.
        features: What it was weighed by.
    """

    id: str
    probability: float
    features: tuple[float, ...]


def united(weighed: Sequence[Weighed], same: Same) -> list[Weighed]:
    """Let candidates that give the same answer be one, as probable as all of them together.

    Args:
        weighed: The candidates, the most probable first.
        same: Says which are the same; asked of those alone that are worth it.

    Returns:
        The first of each kind, the most probable first.
    """
    found: list[Weighed] = []
    for one in weighed:
        worth = one.probability >= WORTH
        at = next((place for place, other in enumerate(found) if same(other.id, one.id)), None) if worth else None
        if at is None:
            found.append(one)
        else:
            found[at] = replace(found[at], probability=found[at].probability + one.probability)
    return sorted(found, key=lambda one: -one.probability)
