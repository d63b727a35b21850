"""All that an application knows, in memory: FAQ entries and passages, found by words and by meaning."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from feilun.apps.customer_service.entries import FaqEntry, Passage
from feilun.apps.customer_service.evidence import Evidence, evidence
from feilun.apps.customer_service.phrases import language_of
from feilun.core.corpus import corpus_of
from feilun.core.ports import Embedder
from feilun.knowledge.search import Entry, Hit, SearchIndex
from feilun.knowledge.terms import simplified

WANTED = 10
"""Hits that a rung looks at."""


class Library:
    """FAQ entries and passages; safe to share between threads, and changed in place.

    An entry's answer is a passage as well: a question that is put quite otherwise may still meet its answer's words.

    Args:
        embedder: Gives questions and passages their vectors; None finds by words alone.
        entries: The FAQ.
        passages: The documents.
    """

    def __init__(
        self, embedder: Embedder | None, entries: Iterable[FaqEntry] = (), passages: Iterable[Passage] = ()
    ) -> None:
        self.embedder = embedder
        self.entries: dict[str, FaqEntry] = {}
        self.passages: dict[str, Passage] = {}
        self.questions = SearchIndex()
        self.texts = SearchIndex()
        self._changing = Lock()
        self.change(entries, passages)

    def change(
        self, entries: Iterable[FaqEntry] = (), passages: Iterable[Passage] = (), removed: Collection[str] = ()
    ) -> None:
        """Put entries and passages in, in the place of those of their ids, and take others out; seen at once."""
        entries = list(entries)
        spoken = [*passages, *(answer_passage(entry) for entry in entries if "{" not in entry.answer)]
        questions = self._searchable([(entry.id, entry.texts) for entry in entries])
        texts = self._searchable([(one.id, (" ".join((*one.headings, one.text)),)) for one in spoken])
        with self._changing:
            self.entries = {**{i: e for i, e in self.entries.items() if i not in removed}, **{e.id: e for e in entries}}
            gone = {*removed, *(f"{identity}-answer" for identity in removed)}
            self.passages = {**{i: p for i, p in self.passages.items() if i not in gone}, **{p.id: p for p in spoken}}
            self.questions.change(questions, removed)
            self.texts.change(texts, gone)

    def embed(self, text: str) -> NDArray[np.float32] | None:
        """Return the vector of a question, shape (width,)."""
        return None if self.embedder is None else self._vectors([text])[0]

    def question(self, text: str, vector: NDArray[np.float32] | None, without: Collection[str] = ()) -> Evidence | None:
        """Find the FAQ entries that ask the same.

        Args:
            text: The question.
            vector: Its vector.
            without: Ids of entries that are passed over.
        """
        hits = self.questions.search(text, vector, limit=2 * WANTED)
        kept = self._spoken(text, [hit for hit in hits if hit.id in self.entries and hit.id not in without])
        return evidence(self.questions, text, kept, lambda hit: self.asked(text, hit))

    def passage(self, text: str, vector: NDArray[np.float32] | None, without: Collection[str] = ()) -> Evidence | None:
        """Find the passages that may answer a question."""
        hits = self.texts.search(text, vector, limit=2 * WANTED)
        kept = self._spoken(text, [hit for hit in hits if hit.id in self.passages and hit.id not in without])
        return evidence(self.texts, text, kept, lambda hit: self.passages[hit.id].text)

    def asked(self, text: str, hit: Hit) -> str:
        """Return that way to ask an entry which shares most with a question."""
        texts = self.entries[hit.id].texts
        return max(texts, key=lambda own: self.questions.coverage(text, own) + self.questions.coverage(own, text))

    def _spoken(self, text: str, hits: Sequence[Hit]) -> list[Hit]:
        """Keep the hits in the language of the question, where there are any."""
        language = language_of(text)
        known: dict[str, FaqEntry | Passage] = {**self.passages, **self.entries}
        own = [hit for hit in hits if known[hit.id].language == language]
        return (own or list(hits))[:WANTED]

    def _searchable(self, named: Sequence[tuple[str, tuple[str, ...]]]) -> list[Entry]:
        if self.embedder is None or not named:
            return [Entry(identity, texts) for identity, texts in named]
        vectors = self._vectors([text for _, texts in named for text in texts])
        found, start = [], 0
        for identity, texts in named:
            found.append(Entry(identity, texts, vectors[start : start + len(texts)]))
            start += len(texts)
        return found

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        assert self.embedder is not None  # noqa: S101
        # e5 tells simplified from traditional characters apart, a customer does not (docs/benchmarks.md)
        return self.embedder.embed(corpus_of([simplified(text) for text in texts]))


def answer_passage(entry: FaqEntry) -> Passage:
    """Return an entry's answer as a passage that can be cited."""
    return Passage(
        f"{entry.id}-answer", "FAQ", (entry.category,) if entry.category else (), entry.question, entry.answer
    )
