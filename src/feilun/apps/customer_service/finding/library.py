"""All that an application knows, in memory: FAQ entries and passages, found by words and by meaning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache, partial
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from feilun.apps.customer_service.finding.evidence import KEYWORD_SCALE, Evidence
from feilun.apps.customer_service.finding.second_look import Reranker
from feilun.apps.customer_service.known.entries import FaqEntry, Passage
from feilun.apps.customer_service.known.spelling import spelt_alike
from feilun.apps.customer_service.known.twins import says_the_same
from feilun.apps.customer_service.words.phrases import language_of
from feilun.core.corpus import corpus_of
from feilun.core.ports import Embedder
from feilun.knowledge.mentions import Tagger
from feilun.knowledge.search import Entry, Hit, SearchIndex
from feilun.knowledge.spelling import Spelling
from feilun.knowledge.terms import simplified

WANTED = 20
"""Hits of a search that are weighed."""

ANSWER = "-answer"
"""What the id of an entry's answer ends in, as a passage."""

NO_COSINE = (0.0,)


class Library:
    """FAQ entries and passages; safe to share between threads, and changed in place.

    An entry's answer is a passage as well: a question that is put quite otherwise may still meet its answer's words.

    Args:
        embedder: Gives questions and passages their vectors; None finds by words alone.
        entries: The FAQ.
        passages: The documents.
        reranker: Looks again at FAQ entries that are close to each other.
        tagger: Finds values of slots that have neither a format nor a listed name.
    """

    def __init__(
        self, embedder: Embedder | None, entries: Iterable[FaqEntry] = (), passages: Iterable[Passage] = (),
        reranker: Reranker | None = None, tagger: Tagger | None = None,
    ) -> None:  # fmt: skip
        self.embedder = embedder
        self.reranker = reranker
        self.tagger = tagger
        self.entries: dict[str, FaqEntry] = {}
        self.passages: dict[str, Passage] = {}
        self.questions = SearchIndex()
        self.texts = SearchIndex()
        self.spelling = Spelling()
        self._worded: dict[str, tuple[str, ...]] = {}
        self.language = "zh"  # of most that is known: for turns that do not tell theirs
        self._changing = Lock()
        self.change(entries, passages)

    def change(
        self, entries: Iterable[FaqEntry] = (), passages: Iterable[Passage] = (), removed: Collection[str] = ()
    ) -> None:
        """Put entries and passages in, in the place of those of their ids, and take others out; seen at once."""
        entries = list(entries)
        spoken = [*passages, *(answer_passage(entry) for entry in entries if entry.speaks)]
        questions = self._searchable([(entry.id, entry.texts) for entry in entries])
        texts = self._searchable([(one.id, (" ".join((*one.headings, one.text)),)) for one in spoken])
        with self._changing:
            self.spelling.learn(text for entry in entries for text in entry.texts)
            self.spelling.learn(one.text for one in spoken)
            self._word(entries, removed)
            self.entries = {**{i: e for i, e in self.entries.items() if i not in removed}, **{e.id: e for e in entries}}
            gone = {*removed, *(identity + ANSWER for identity in removed)}
            self.passages = {**{i: p for i, p in self.passages.items() if i not in gone}, **{p.id: p for p in spoken}}
            self.language = _most_spoken((self.entries or self.passages).values())
            self.questions.change(questions, removed)
            self.texts.change(texts, gone)

    def hold(self, entries: Iterable[FaqEntry], passages: Iterable[Passage]) -> None:
        """Know these and nothing else from now on; what is known already is not read again."""
        wanted, texts = {entry.id: entry for entry in entries}, {one.id: one for one in passages}
        gone = {i for i in self.entries if i not in wanted}
        gone |= {i for i in self.passages if i not in texts and not i.endswith(ANSWER)}
        new = [entry for entry in wanted.values() if self.entries.get(entry.id) != entry]
        self.change(new, [one for one in texts.values() if self.passages.get(one.id) != one], gone)

    def embed(self, text: str) -> NDArray[np.float32] | None:
        """Return the vector of a question, shape (width,)."""
        return None if self.embedder is None else self._vectors([text])[0]

    def word_for_word(self, text: str) -> FaqEntry | None:
        """Return the entry that is asked in just these words; None where none is, or several that answer otherwise."""
        known = self.entries
        found = [known[i] for i in self._worded.get(spelt_alike(text), ()) if i in known]
        alike = all(says_the_same(found[0].answer, other.answer) for other in found[1:])
        return found[0] if found and alike else None

    def spoken(self, text: str, vector: NDArray[np.float32] | None) -> list[Hit]:
        """Search passages and answers: what `question` and `passage` weigh beside what is asked."""
        return self.texts.search(text, vector, limit=WANTED)

    def question(
        self, text: str, vector: NDArray[np.float32] | None, spoken: Sequence[Hit] | None = None
    ) -> Evidence | None:
        """Find the FAQ entries that may ask the same: by their ways to ask, and by their answers.

        Args:
            text: The question.
            vector: Its vector, shape (width,).
            spoken: What `spoken` returns for it, where that is known already.

        Returns:
            The candidates with the features `evidence.QUESTION`; None where there is none.
        """
        asked = {hit.id: hit for hit in self.questions.search(text, vector, limit=WANTED)}
        said = {hit.id: hit for hit in (self.spoken(text, vector) if spoken is None else spoken)}
        meant = [identity.removesuffix(ANSWER) for identity in said if identity.endswith(ANSWER)]
        known = self.entries  # as it is now: what is taken out meanwhile is weighed, and answers nothing
        ids = self._spoken(text, [i for i in dict.fromkeys([*asked, *meant]) if i in known], known)
        if not ids:
            return None
        ways, answers = self._cosines(vector, ids)
        shared = self._shared(text, {i: known[i].texts for i in ids})
        return Evidence(
            tuple(ids),
            np.array([
                (
                    *_nearest(ways.get(i)), max(answers.get(i + ANSWER, NO_COSINE)),
                    *shared[i],
                    _keyword(asked.get(i)), _keyword(said.get(i + ANSWER)),
                )
                for i in ids
            ]),
            None if self.reranker is None else cache(partial(_look, self.reranker, text, known, ways)),
            partial(_same, known),
        )  # fmt: skip

    def passage(
        self, text: str, vector: NDArray[np.float32] | None, spoken: Sequence[Hit] | None = None
    ) -> Evidence | None:
        """Find the passages that may answer a question; their features are `evidence.PASSAGE`, args as above."""
        found = {hit.id: hit for hit in (self.spoken(text, vector) if spoken is None else spoken)}
        known = self.passages
        ids = self._spoken(text, [identity for identity in found if identity in known], known)
        if not ids:
            return None
        shared = self._shared(text, {i: (known[i].text,) for i in ids})
        rows = [(found[i].cosine or 0.0, *shared[i], _keyword(found[i])) for i in ids]
        return Evidence(tuple(ids), np.array(rows), same=partial(_same, known))

    def _word(self, entries: Sequence[FaqEntry], removed: Collection[str]) -> None:
        """Note in which words entries are asked; must be called before they take the place of those they replace."""
        leaving = [self.entries[i] for i in {*removed, *(entry.id for entry in entries)} if i in self.entries]
        worded = dict(self._worded)
        for entry in leaving:
            for key in map(spelt_alike, entry.texts):
                worded[key] = tuple(i for i in worded.get(key, ()) if i != entry.id)
        for entry in entries:
            for key in dict.fromkeys(map(spelt_alike, entry.texts)):
                worded[key] = (*worded.get(key, ()), entry.id)
        self._worded = {key: ids for key, ids in worded.items() if key and ids}

    def _cosines(
        self, vector: NDArray[np.float32] | None, ids: Sequence[str]
    ) -> tuple[dict[str, tuple[float, ...]], dict[str, tuple[float, ...]]]:
        """Return the cosines with the ways to ask entries, and with their answers."""
        if vector is None:
            return {}, {}
        return self.questions.cosines(vector, ids), self.texts.cosines(vector, [i + ANSWER for i in ids])

    def _shared(self, text: str, named: Mapping[str, Sequence[str]]) -> dict[str, tuple[float, float]]:
        """Return by id which share of a question that text holds which shares most with it, and the other way round."""
        flat = [(identity, own) for identity, texts in named.items() for own in texts]
        shares = self.questions.coverages(text, [own for _, own in flat])
        best: dict[str, tuple[float, float]] = {}
        for (identity, _), pair in zip(flat, shares, strict=True):
            best[identity] = max(best.get(identity, (0.0, 0.0)), pair, key=sum)
        return best

    def _spoken(self, text: str, ids: Sequence[str], known: Mapping[str, FaqEntry | Passage]) -> list[str]:
        """Keep what is in the language of the question, where there is any."""
        language = language_of(text)
        own = [identity for identity in ids if known[identity].language == language]
        return own or list(ids)

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


def _most_spoken(known: Iterable[FaqEntry | Passage]) -> str:
    """Return the language of most that is known; zh where there is nothing."""
    counts = Counter(one.language for one in known)
    return max(counts, key=lambda language: (counts[language], language)) if counts else "zh"


def answer_passage(entry: FaqEntry) -> Passage:
    """Return an entry's answer as a passage that can be cited."""
    return Passage(entry.id + ANSWER, "FAQ", (entry.category,) if entry.category else (), entry.question, entry.answer)


def _look(
    reranker: Reranker, text: str, known: Mapping[str, FaqEntry], ways: Mapping[str, Sequence[float]],
    ids: tuple[str, ...],
) -> NDArray[np.float64]:  # fmt: skip
    """Read a question together with the way to ask each entry that is nearest to it."""
    return reranker.log_odds(text, [_nearest_way(known[i].texts, ways.get(i, ())) for i in ids])


def _same(known: Mapping[str, FaqEntry | Passage], one: str, other: str) -> bool:
    """Say whether two that are known give the same answer; one that is not gives another."""
    first, second = known.get(one), known.get(other)
    return first is not None and second is not None and says_the_same(_answer(first), _answer(second))


def _answer(one: FaqEntry | Passage) -> str:
    return one.answer if isinstance(one, FaqEntry) else one.text


def _nearest(cosines: tuple[float, ...] | None) -> tuple[float, float]:
    """Return the highest cosine and the mean of all."""
    return (max(cosines), sum(cosines) / len(cosines)) if cosines else (0.0, 0.0)


def _nearest_way(texts: Sequence[str], cosines: Sequence[float]) -> str:
    """Return the text of the highest cosine; the first one where there are none."""
    return texts[int(np.argmax(cosines))] if len(cosines) == len(texts) else texts[0]


def _keyword(hit: Hit | None) -> float:
    return 0.0 if hit is None else hit.keyword / KEYWORD_SCALE
