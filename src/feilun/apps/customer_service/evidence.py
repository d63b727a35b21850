"""What was found for a question: candidates, each with features from which its probability follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Evidence:
    """The candidates of a question.

    Args:
        ids: The entries or passages.
        features: In the order of `QUESTION` or `PASSAGE`, shape (candidates, features); cosines are 0 where no vectors
            are at hand.
        look: Looks at candidates again; None where nothing does.
    """

    ids: tuple[str, ...]
    features: NDArray[np.float64]
    look: Look | None = None

    def without(self, identity: str) -> Evidence:
        """Return the evidence as if a candidate were not there."""
        kept = [place for place, own in enumerate(self.ids) if own != identity]
        return Evidence(tuple(self.ids[place] for place in kept), self.features[kept], self.look)


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
