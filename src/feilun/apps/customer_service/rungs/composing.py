"""An answer in a language model's own words, of which nothing is said that no passage says.

The model reads a question and passages, and writes. Each of its sentences is held to the sentence of a passage that
shares most with it: it must share enough of its weight, add no word that bears meaning and no number, and deny, allow
or restrict only with it. What does not hold is dropped; the others cite that sentence. Orders and links reach neither
the model nor the customer.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from feilun.apps.customer_service.finding.library import Library
from feilun.apps.customer_service.known.entries import Passage
from feilun.apps.customer_service.reply import Citation
from feilun.apps.customer_service.words.injection import gives_orders, quotable
from feilun.apps.customer_service.words.turning_words import ALTERING
from feilun.core.corpus import corpus_of
from feilun.core.ports import Predictor
from feilun.knowledge.terms import search_terms
from feilun.text.segment import HAN, sentences

SUPPORTED = 0.6
"""Share of a sentence's weight that a sentence of a passage must hold to support it."""

MOST_PASSAGES = 3
"""Passages that a model reads."""

GRAMMAR = frozenset("的地得了着是为在和与及您你我们这那其于由对将等并也都就请") | {
    "a", "an", "the", "is", "are", "be", "of", "to", "for", "in", "on", "at", "by", "with", "and", "or", "you", "your",
    "we", "our", "it", "its", "this", "that", "as", "from",
}  # fmt: skip
"""Words that a model may add: none of them changes what is said."""

NUMBER = re.compile(r"\d+(?:[.,:]\d+)*%?", re.ASCII)


@dataclass(frozen=True)
class Composer:
    """Writes answers from passages.

    Args:
        writer: A `generate` model; its prompts are those of `prompt`.
        hosts: Names that links of sentences may lead to.
    """

    writer: Predictor
    hosts: Collection[str] = ()

    def composed(self, question: str, passages: Sequence[Passage], library: Library) -> list[tuple[str, Citation]]:
        """Return the sentences that hold, each with what it cites; none where none does.

        Args:
            question: What was asked, no orders to a machine in it.
            passages: What may answer it, the most probable first.
            library: Weighs words.
        """
        sources = [(passage, sentence) for passage in passages[:MOST_PASSAGES] for sentence in self._said(passage)]
        if not sources or gives_orders(question):
            return []
        (written,) = self.writer.predict(corpus_of([prompt(question, sources)]))
        found: dict[str, Citation] = {}
        for sentence in sentences(written.text or ""):
            citation = self._support(sentence, sources, library)
            if citation is not None:
                found.setdefault(sentence, citation)
        return list(found.items())

    def _said(self, passage: Passage) -> Iterator[str]:
        return (sentence for sentence in sentences(passage.text) if quotable(sentence, self.hosts))

    def _support(self, sentence: str, sources: Sequence[tuple[Passage, str]], library: Library) -> Citation | None:
        """Return the citation of the source that shares most with a sentence, where it supports it."""
        if not quotable(sentence, self.hosts):
            return None
        shares = library.texts.coverages(sentence, [source for _, source in sources])
        share, best = max((own[0], -place) for place, own in enumerate(shares))
        passage, source = sources[-best]
        if share < SUPPORTED or not agrees(sentence, source):
            return None
        return Citation(passage.id, passage.document, passage.where, source)


def prompt(question: str, sources: Sequence[tuple[Passage, str]]) -> str:
    """Return what a model reads: the question, an empty line, and each passage on a line of its own with a number."""
    by_passage: dict[str, list[str]] = {}
    for passage, sentence in sources:
        by_passage.setdefault(passage.id, []).append(sentence)
    lines = [f"[{number}] {' '.join(own)}" for number, own in enumerate(by_passage.values(), 1)]
    return "\n".join([" ".join(question.split()), "", *lines])


def agrees(sentence: str, source: str) -> bool:
    """Say whether a sentence adds no word and no number to its source, and denies, allows or restricts with it."""
    added = {term for term in search_terms(sentence) if len(term) == 1 or not HAN.search(term)}
    added -= {*search_terms(source), *GRAMMAR}
    numbers = set(NUMBER.findall(sentence)) <= set(NUMBER.findall(source))
    return not added and numbers and all(bool(x.search(sentence)) == bool(x.search(source)) for x in ALTERING)
