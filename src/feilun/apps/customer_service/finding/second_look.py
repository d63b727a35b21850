"""A second look at close candidates: what a model says that reads question and candidate together (Nogueira, Cho 2019).

Where the first choice is not sure, the candidates that are close to the best are looked at again. A second conditional
logit over them and "none of these" has two features: the log odds of the first choice, and those of the model. Its
weights are fitted like those of the first, so that a model that knows nothing moves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from feilun.apps.customer_service.finding.choice import NOTHING, Choice, Features, place_of
from feilun.apps.customer_service.finding.evidence import Look, Weighed
from feilun.core.corpus import Corpus
from feilun.core.ports import Predictor
from feilun.knowledge.terms import simplified

MOST = 5
"""Candidates that are looked at again."""

CLOSE = 0.2
"""Share of the best candidate's probability from which on another one is close to it."""

SURE = 0.9
"""Probability from which on the first choice stands."""

LEAST = 1e-6


@dataclass(frozen=True)
class Reranker:
    """Reads two texts together.

    Args:
        predictor: A `match` model, whose predictions rank two labels.
        same: The label of texts that ask the same.
    """

    predictor: Predictor
    same: str

    def log_odds(self, question: str, others: Sequence[str]) -> NDArray[np.float64]:
        """Return the log odds that each text asks the same as a question, shape (texts,)."""
        asked = [simplified(question)] * len(others)
        pairs = Corpus(id=[str(n) for n in range(len(others))], text=asked, pair=[simplified(text) for text in others])
        chances = np.array([dict(one.ranked)[self.same] for one in self.predictor.predict(pairs)], np.float64)
        chances = chances.clip(LEAST, 1 - LEAST)
        odds: NDArray[np.float64] = np.log(chances / (1 - chances))
        return odds


def close(weighed: Sequence[Weighed]) -> Sequence[Weighed]:
    """Return the candidates that are worth a second look; none where the first one is sure.

    Args:
        weighed: The candidates, the most probable first.
    """
    if not weighed or weighed[0].probability >= SURE:
        return ()
    return [one for one in weighed[:MOST] if one.probability >= CLOSE * weighed[0].probability]


def features_of(near: Sequence[Weighed], look: Look) -> Features:
    """Return the log odds of the first choice and those of the model, shape (candidates, 2)."""
    first = np.array([one.probability for one in near]).clip(LEAST)
    rest = max(1.0 - float(first.sum()), LEAST)
    return np.column_stack([np.log(first / rest), look(tuple(one.id for one in near))])


def case_of(weighed: Sequence[Weighed], right: str | None, look: Look | None) -> tuple[Features, int]:
    """Return what the second choice learns from a question, as `fit_choice` takes it; no row where none is close."""
    near = close(weighed)
    if not near or look is None:
        return np.empty((0, 2)), NOTHING
    return features_of(near, look), place_of(right, [one.id for one in near])


def looked_again(weighed: Sequence[Weighed], look: Look | None, choice: Choice) -> list[Weighed]:
    """Return candidates with the probabilities of the second choice, the most probable first.

    Those that were not close share what is left with "nothing fits" as they did before.
    """
    near = close(weighed)
    if not near or look is None:
        return list(weighed)
    rows = features_of(near, look)
    chances = choice.probabilities(rows)
    rest = max(1.0 - sum(one.probability for one in near), LEAST)
    left = (1.0 - float(chances.sum())) / rest
    again = [
        replace(one, probability=float(chance), features=(*one.features, float(said)))
        for one, chance, said in zip(near, chances, rows[:, 1], strict=True)
    ]
    others = [replace(one, probability=one.probability * left) for one in weighed[len(near) :]]
    return sorted([*again, *others], key=lambda one: -one.probability)
