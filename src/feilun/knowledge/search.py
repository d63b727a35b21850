"""Search by words and by meaning at once: entries found by BM25 and by vectors, fused by their ranks.

An index lives in memory. It is built from data at rest whenever a program starts, changed in place while it runs, and
never written to disk: nothing of it can be stale, half-written or of an older version.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import nlargest
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from feilun.knowledge.keywords import KeywordIndex
from feilun.knowledge.terms import search_terms
from feilun.knowledge.vectors import VectorIndex

RANK_OFFSET = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke, Büttcher 2009)."""

CANDIDATES = 50
"""Texts that each of the two searches proposes."""

MOST_WEIGHED = 8_192
"""Texts whose weighed terms are remembered until the entries change."""

Ranking = Sequence[tuple[int, float]]
"""Numbers of texts with what they are ranked by, the best first."""


@dataclass(frozen=True)
class Entry:
    """Something to be found.

    Args:
        id: Names it; an entry of the same id takes its place.
        texts: What it is found by, one or several texts: a question and its variants, say. Its best text counts.
        vectors: A vector for each text, shape (texts, width); None finds it by its words alone.

    Raises:
        ValueError: If there is no text, or not one vector a text.
    """

    id: str
    texts: tuple[str, ...]
    vectors: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if not self.texts:
            raise ValueError(f"entry {self.id!r} has no text")
        if self.vectors is not None and len(self.vectors) != len(self.texts):
            raise ValueError(f"entry {self.id!r} has {len(self.texts)} texts and {len(self.vectors)} vectors")


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry that was found.

    Args:
        id: The entry.
        text: Which of its texts was best, counted from 0: the first that was proposed.
        score: Sum of reciprocal ranks; orders the hits of one search, and says nothing beyond it.
        keyword: Best BM25 score of its texts; 0 where it shares no term, or was not proposed by its words.
        cosine: Best cosine of its texts; None where the search or the entry had no vector.
    """

    id: str
    text: int
    score: float
    keyword: float
    cosine: float | None


class SearchIndex:
    """Entries, found by words and by vectors; safe to share between threads.

    Searches go on while entries change, and see each change whole as soon as it returns.

    Args:
        entries: The first entries.

    Raises:
        MissingExtra: If tantivy, or usearch where vectors are given, is not installed.
        UsageError: If vectors differ in width.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._keywords = KeywordIndex()
        self._vectors: VectorIndex | None = None
        self._texts: dict[int, tuple[str, int]] = {}
        self._numbers: dict[str, tuple[int, ...]] = {}
        self._weighed: dict[str, _Weighed] = {}
        self._next = 0
        self._changing = RLock()
        self.change(added=entries)

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, identity: str) -> bool:
        return identity in self._numbers

    def change(self, added: Iterable[Entry] = (), removed: Collection[str] = ()) -> None:
        """Put entries in, in the place of those of the same id, and take entries out.

        Args:
            added: New and changed entries; of several with one id the last counts.
            removed: Ids of entries to take out; unknown ones are passed over.

        Raises:
            UsageError: If a vector does not fit the others; nothing is changed.
        """
        new = {entry.id: entry for entry in added}
        terms = {identity: [search_terms(text) for text in entry.texts] for identity, entry in new.items()}
        with self._changing:
            leaving = [n for identity in {*new, *removed} for n in self._numbers.get(identity, ())]
            numbers = self._numbered(new.values())
            self._change_vectors(new, numbers, leaving)
            for identity, own in numbers.items():
                self._texts.update({number: (identity, place) for place, number in enumerate(own)})
            by_number = {n: t for identity, own in numbers.items() for n, t in zip(own, terms[identity], strict=True)}
            if by_number or leaving:
                self._keywords.change(by_number, leaving)
            for identity in removed:
                self._numbers.pop(identity, None)
            self._numbers.update(numbers)
            for number in leaving:
                del self._texts[number]
            self._weighed = {}  # rare words may have become common; whoever weighs now writes into the former one

    def search(
        self,
        query: str,
        vector: NDArray[np.float32] | None = None,
        *,
        limit: int = 10,
        allowed: Collection[str] | None = None,
    ) -> list[Hit]:
        """Find entries.

        Args:
            query: The text that is looked for; an empty one finds by the vector alone.
            vector: Its vector, of the entries' model, shape (width,); None finds by words alone.
            limit: Most entries returned.
            allowed: Ids of the entries that may be found; None allows all.

        Returns:
            The hits, best first; none where nothing shares a term and no vector was given.

        Raises:
            UsageError: If the vector is of another width than the entries'.
        """
        among = None if allowed is None else [n for identity in allowed for n in self._numbers.get(identity, ())]
        wide = max(CANDIDATES, 4 * limit)
        worded = self._keywords.search(search_terms(query), wide, among)
        meant = self._vectors.search(vector, wide, among) if vector is not None and self._vectors is not None else []
        hits = self._fused(worded, meant, limit)
        return self._with_cosines(hits, vector) if vector is not None else hits

    def cosines(self, vector: NDArray[np.float32], identities: Collection[str]) -> dict[str, tuple[float, ...]]:
        """Return the exact cosines of a vector with all texts of some entries; those without vectors are left out."""
        if self._vectors is None:
            return {}
        numbers = {identity: self._numbers.get(identity, ()) for identity in identities}
        found = self._vectors.cosines(vector, [number for own in numbers.values() for number in own])
        cosines = {identity: tuple(found[n] for n in own if n in found) for identity, own in numbers.items()}
        return {identity: own for identity, own in cosines.items() if own}

    def coverage(self, query: str, text: str) -> float:
        """Return which share of a query's meaning-bearing terms a text holds, by their weight in this index.

        Args:
            query: A question.
            text: What may answer it.

        Returns:
            0 (no term, or no terms at all) to 1 (each term); rare terms count more than common ones.
        """
        return self.coverages(query, [text])[0][0]

    def coverages(self, query: str, texts: Sequence[str]) -> list[tuple[float, float]]:
        """Return for each text which share of the query's terms it holds, and which share of its own the query holds.

        Each is what `coverage` returns.
        """
        known = self._weighed
        asked = self._weigh(query, known)
        shares = []
        for text in texts:
            own = self._weigh(text, known)
            few, many = (asked, own) if len(asked.terms) < len(own.terms) else (own, asked)
            shared = sum(weight for term, weight in few.terms.items() if term in many.terms)
            shares.append((_share(shared, asked.total), _share(shared, own.total)))
        return shares

    def _weigh(self, text: str, known: dict[str, _Weighed]) -> _Weighed:
        """Weigh the terms of a text; candidates come again with every question that they nearly answer."""
        found = known.get(text)
        if found is None:
            if len(known) >= MOST_WEIGHED:
                known.clear()
            terms = self._keywords.weights(search_terms(text))
            found = known[text] = _Weighed(terms, sum(terms.values()))
        return found

    def _numbered(self, entries: Iterable[Entry]) -> dict[str, tuple[int, ...]]:
        numbers = {}
        for entry in entries:
            numbers[entry.id] = tuple(range(self._next, self._next + len(entry.texts)))
            self._next += len(entry.texts)
        return numbers

    def _change_vectors(
        self, new: Mapping[str, Entry], numbers: Mapping[str, Sequence[int]], leaving: Sequence[int]
    ) -> None:
        added = {
            number: np.asarray(vector, np.float32)
            for identity, entry in new.items() if entry.vectors is not None
            for number, vector in zip(numbers[identity], entry.vectors, strict=True)
        }  # fmt: skip
        if self._vectors is None and added:
            self._vectors = VectorIndex(len(next(iter(added.values()))))
        if self._vectors is not None:
            self._vectors.change(added, leaving)

    def _fused(self, worded: Ranking, meant: Ranking, limit: int) -> list[Hit]:
        """Fuse rankings of texts into one of entries; an entry has the rank of its best text in each."""
        scores: dict[str, float] = {}
        places: dict[str, int] = {}
        keywords: dict[str, float] = {}
        for ranking in (worded, meant):
            ranked: set[str] = set()
            for number, score in ranking:
                identity, place = self._texts.get(number, ("", 0))  # one that left meanwhile has no place any more
                if not identity or identity in ranked:
                    continue
                ranked.add(identity)
                places.setdefault(identity, place)
                scores[identity] = scores.get(identity, 0.0) + 1 / (RANK_OFFSET + len(ranked))
                if ranking is worded:
                    keywords[identity] = score
        best = nlargest(limit, scores, key=scores.__getitem__)
        return [Hit(one, places[one], scores[one], keywords.get(one, 0.0), None) for one in best]

    def _with_cosines(self, hits: Sequence[Hit], vector: NDArray[np.float32]) -> list[Hit]:
        own = self.cosines(vector, [hit.id for hit in hits])
        return [replace(hit, cosine=max(own[hit.id]) if hit.id in own else None) for hit in hits]


@dataclass(frozen=True, slots=True)
class _Weighed:
    """The different terms of a text with their weights, and the sum of these."""

    terms: Mapping[str, float]
    total: float


def _share(part: float, whole: float) -> float:
    return min(1.0, part / whole) if whole else 0.0
