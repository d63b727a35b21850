"""Reads histories as the interest model does: an event changes the text, and with it the user's vector, at once."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.interest.history_text import text_of_history
from feilun.apps.recommendation.records.events import Item
from feilun.apps.recommendation.records.interactions import History
from feilun.core.corpus import corpus_of
from feilun.core.ports import Embedder

MOST_KEPT = 20_000
"""Histories whose vectors are kept, 1.5 KB each; the oldest go first."""


class HistoryReader:
    """Turns histories into vectors, which lie near those of the items that follow.

    Args:
        embedder: The interest model.
        words: What each action is called, by number.
    """

    def __init__(self, embedder: Embedder, words: Sequence[str]) -> None:
        self.embedder = embedder
        self.words = tuple(words)
        self._kept: dict[bytes, NDArray[np.float32]] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # a running model is shared, not copied

    def vector(self, history: History, items: Sequence[Item]) -> NDArray[np.float32]:
        """Return the unit vector of a history of at least one item, shape (width,).

        Args:
            history: What was taken.
            items: The catalogue's, by number.
        """
        text = text_of_history(history, items, self.words)
        name = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        found = self._kept.get(name)
        if found is None:
            read = np.asarray(self.embedder.embed(corpus_of([text])), dtype=np.float32)[0]
            found = read / max(float(np.linalg.norm(read)), 1e-9)
            if len(self._kept) >= MOST_KEPT:
                self._kept.pop(next(iter(self._kept)), None)
            self._kept[name] = found
        return found

    def forget(self) -> None:
        """Keep no vector of any history."""
        self._kept.clear()
