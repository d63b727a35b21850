"""What a language model, fine-tuned on histories and what followed, finds that a user may take next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from feilun.apps.recommendation.candidates.scoring import Scores
from feilun.apps.recommendation.interest.reader import HistoryReader
from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.events import Item
from feilun.apps.recommendation.records.interactions import History, Interactions


@dataclass
class Interest:
    """Two towers, one language model: the history as a text, and each item as a text; new items count at once.

    It was trained before (`feilun.workflow.applications.recommendation.interest`); nothing is learned here.

    Args:
        vectors: Unit vectors of the items' texts, shape (items, width).
        items: The items, by number.
        reader: Reads histories; None where no interest model was trained: nothing is known then.
    """

    vectors: Scores = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    items: Sequence[Item] = ()
    reader: HistoryReader | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return replace(self)  # all that it holds is shared, and put in place anew, never changed

    def fit(self, interactions: Interactions, catalogue: Catalogue, now: float) -> Self:
        """Take the catalogue's vectors, and what reads histories beside them."""
        return self.again(interactions, catalogue, now)

    def again(self, interactions: Interactions, catalogue: Catalogue, now: float) -> Self:
        """Take further items in."""
        self.vectors, self.items, self.reader = catalogue.vectors, catalogue.items, catalogue.reader
        return self

    def scores(self, history: History) -> Scores:
        """Return the cosine of each item's text with the history, no less than 0."""
        history = history.within(len(self.vectors))
        if self.reader is None or not len(history):
            return np.zeros(len(self.vectors), np.float32)
        nearness: Scores = np.maximum(self.vectors @ self.reader.vector(history, self.items), 0)
        return nearness
