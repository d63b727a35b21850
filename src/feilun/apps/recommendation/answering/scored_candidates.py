"""The candidates of a list with their scores, before it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.candidates.fusion import Pool
from feilun.apps.recommendation.ranking.model import Model
from feilun.apps.recommendation.records.context import Situation
from feilun.apps.recommendation.records.interactions import History


@dataclass(frozen=True)
class ScoredCandidates:
    """The candidates of a list.

    Args:
        model: Which scored them.
        pool: The candidates.
        scores: The final scores, shape (candidates,).
        lifted: The same standardised, with the boosts; by these the list is made, shape (candidates,).
        history: What was looked at.
        situation: When and in what context.
        rules: Names of the rows of decision tables that hold for each candidate.
        note: What the reader should know; else empty.
    """

    model: Model
    pool: Pool
    scores: NDArray[np.float64]
    lifted: NDArray[np.float64]
    history: History
    situation: Situation
    rules: Sequence[tuple[str, ...]]
    note: str


def standardised(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return scores with mean 0 and spread 1; all 0 where they do not differ."""
    spread = float(scores.std()) if len(scores) else 0.0
    return (scores - scores.mean()) / spread if spread > 0 else np.zeros(len(scores))
