"""How relevant a candidate is to a query: a number to sort by, and the probability that it is relevant at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.prediction import Prediction, Ranking, Reads

NAMES = ("not relevant", "relevant")
NOTICEABLE = 0.1
"""Share of the spread of all relevances by which one has to move to count as another answer."""


@dataclass(frozen=True)
class RankDecision:
    """How a model's numbers become relevances; part of the bundle.

    The probability of being relevant at all is sigmoid(slope · number + offset) (Platt 1999); it keeps the order.

    Args:
        slope: How fast the probability rises with the number; above 0.
        offset: Logit of the probability where the number is 0.
        spread: Standard deviation of the numbers of the validation rows.
        abstain_below: Kept at 0: relevances are never withheld.
    """

    task: ClassVar[str] = "rank"
    reads: ClassVar[Reads] = "pooled"

    slope: float = 1.0
    offset: float = 0.0
    spread: float = 1.0
    abstain_below: float = 0.0

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Read what `dataclasses.asdict` wrote.

        Raises:
            KeyError, TypeError, ValueError: If the table is not of that form.
        """
        return cls(*(float(table[name]) for name in ("slope", "offset", "spread")))

    def width(self, labels: int) -> int:
        """Return how many numbers the model gives for a query and a candidate."""
        return 1

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the probability of both `NAMES` for numbers of shape (rows, 1); shape (rows, 2)."""
        scaled = np.clip(self.slope * logits[:, 0].astype(np.float64) + self.offset, -500, 500)
        relevant = 1 / (1 + np.exp(-scaled))
        return np.stack([1 - relevant, relevant], axis=1).astype(np.float32)

    def changed(
        self, before: NDArray[np.float32], after: NDArray[np.float32], names: tuple[str, ...]
    ) -> NDArray[np.bool_]:
        """Return which rows get a noticeably different relevance, shape (rows,)."""
        still: NDArray[np.bool_] = np.abs(after[:, 0] - before[:, 0]) <= NOTICEABLE * self.spread
        return ~still

    def decide(self, logits: NDArray[np.float32], names: tuple[str, ...]) -> list[Prediction]:
        """Turn numbers of shape (rows, 1) into predictions, one a row; `names` says what is predicted."""
        predictions = []
        for value, row in zip(logits[:, 0].tolist(), self.probabilities(logits), strict=True):
            best = int(row[1] >= 0.5)
            predictions.append(Prediction(NAMES[best], float(row[best]), Ranking(NAMES, row), relevance=value))
        return predictions


def queries(corpus: Corpus) -> NDArray[np.int64]:
    """Return the number of each row's query, shape (rows,): its group, or where there is none its text."""
    return np.unique(np.asarray(corpus.text if corpus.group is None else corpus.group), return_inverse=True)[1]


def whole_lists(corpus: Corpus, most: int) -> NDArray[np.int64]:
    """Return rows that leave no list of candidates torn, those of queries that are evenly spread over the corpus.

    Args:
        corpus: Queries with a candidate each.
        most: How many rows to return at most; where the first list alone is longer, it is returned.

    Returns:
        Row numbers, ascending.
    """
    numbers = queries(corpus)
    _, first, sizes = np.unique(numbers, return_index=True, return_counts=True)
    in_order = np.argsort(first)
    count, rows = len(sizes), len(numbers)
    taken = in_order
    while rows > most and count > 1:
        count = max(1, count * most // rows)
        taken = in_order[np.linspace(0, len(sizes) - 1, count).round().astype(int)]
        rows = int(sizes[taken].sum())
    return np.flatnonzero(np.isin(numbers, taken))
