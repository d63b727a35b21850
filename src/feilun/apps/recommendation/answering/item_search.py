"""Items found by what a user types: by words, by meaning, and in the order that suits who asks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.candidates.text_neighbours import centred, common
from feilun.apps.recommendation.records.catalogue import Catalogue, Vectors
from feilun.knowledge.keywords import KeywordIndex
from feilun.knowledge.terms import search_terms

RANK_OFFSET = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke, Büttcher 2009)."""

CANDIDATES = 100
"""Items that words and meaning each propose."""

LEAST_COSINE = 0.35
"""Below this cosine, after the mean of all items is taken off, meaning alone proposes nothing."""


class ItemSearch:
    """The words of a catalogue's items beside their vectors.

    Args:
        catalogue: The items.

    Raises:
        MissingExtra: If tantivy is not installed.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._words = KeywordIndex()
        self._texts: dict[int, str] = {}
        self._number_of: dict[int, int] = {}
        self._item_of: dict[int, int] = {}
        self.centre: Vectors = np.zeros(0, np.float32)
        self.put(catalogue)

    def put(self, catalogue: Catalogue) -> None:
        """Take in the items that are new or whose text has changed."""
        changed = {i: item.text for i, item in enumerate(catalogue.items) if self._texts.get(i) != item.text}
        leaving = [self._number_of[item] for item in changed if item in self._number_of]
        start = max(self._item_of, default=-1) + 1
        numbers = dict(zip(changed, range(start, start + len(changed)), strict=True))
        self._words.change({numbers[item]: search_terms(text) for item, text in changed.items()}, leaving)
        self._texts.update(changed)
        self._number_of.update(numbers)
        self._item_of.update({number: item for item, number in numbers.items()})
        self.centre = common(catalogue.vectors)

    def relevance(
        self, query: str, vector: Vectors, vectors: Vectors, allowed: NDArray[np.bool_]
    ) -> Mapping[int, float]:
        """Return how well items fit a query.

        Args:
            query: What was typed.
            vector: Its vector, as the catalogue's, shape (width,).
            vectors: Of the items, without their common direction, shape (items, width).
            allowed: Which items may be found, shape (items,).

        Returns:
            Sums of reciprocal ranks by item number; empty where nothing fits.
        """
        nearness = vectors @ centred(vector[None], self.centre)[0]  # (items,)
        worded = [self._item_of[n] for n, _ in self._words.search(search_terms(query), 4 * CANDIDATES)]
        meant = np.flatnonzero(allowed & (nearness >= LEAST_COSINE))
        meant = meant[np.argsort(-nearness[meant], kind="stable")][:CANDIDATES]
        found: dict[int, float] = {}
        for ranking in ([item for item in worded if allowed[item]][:CANDIDATES], meant.tolist()):
            for rank, item in enumerate(ranking, 1):
                found[item] = found.get(item, 0.0) + 1 / (RANK_OFFSET + rank)
        return found
