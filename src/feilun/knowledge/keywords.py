"""BM25 over terms, in memory, by tantivy (Robertson, Zaragoza 2009; k1 = 1.2, b = 0.75)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from threading import Lock
from typing import Any

from feilun.core.errors import MissingExtra
from feilun.core.remark import Remark

MEMORY = 32 * 1024 * 1024
"""Bytes that the writer may fill before it makes a segment."""

MOST_TERMS = 512
"""Different terms of a query that count, its first ones: a pasted page asks no better than its beginning."""


MOST_WEIGHTS = 200_000
"""Terms whose weights are remembered until the texts change: about 30 MB."""


class KeywordIndex:
    """Numbered lists of terms, found by terms; safe to share between threads.

    Raises:
        MissingExtra: If tantivy is not installed.
    """

    def __init__(self) -> None:
        try:
            import tantivy
        except ImportError as error:
            raise MissingExtra("tantivy", "knowledge", Remark("Searching by words", "按词检索")) from error
        self._tantivy = tantivy
        builder = tantivy.SchemaBuilder()
        builder.add_unsigned_field("number", indexed=True, fast=True)
        builder.add_text_field("terms", tokenizer_name="whitespace", index_option="freq")
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema)
        self._writer = self._index.writer(MEMORY, 1)
        self._writing = Lock()
        self._weights: dict[str, float] = {}

    def change(self, added: Mapping[int, Sequence[str]], removed: Collection[int] = ()) -> None:
        """Take texts out and put texts in; once this returns every search sees it, and none sees half of it.

        Args:
            added: The terms of each new text by its number, which none before it had.
            removed: Numbers of texts to take out.
        """
        with self._writing:
            for number in removed:
                self._writer.delete_documents_by_term("number", number)
            for number, terms in added.items():
                document = self._tantivy.Document()
                document.add_unsigned("number", number)
                document.add_text("terms", " ".join(terms))
                self._writer.add_document(document)
            self._writer.commit()
            self._index.reload()
            self._weights = {}  # whoever weighs at this moment writes into the former one

    def search(
        self, terms: Sequence[str], limit: int, allowed: Collection[int] | None = None
    ) -> list[tuple[int, float]]:
        """Return the texts that share a term with a query, best first.

        Args:
            terms: The query's terms.
            limit: Most texts returned.
            allowed: Numbers of the texts that may be found; None allows all.

        Returns:
            Numbers with their BM25 scores, above 0.
        """
        counts = self._counted(terms)
        if not counts or limit < 1 or (allowed is not None and not allowed):
            return []
        query = self._query(counts, allowed)
        searcher = self._index.searcher()
        hits = searcher.search(query, limit, count=False).hits
        numbers = searcher.fast_field_values("number", [address for _, address in hits])
        return [(int(number), float(score)) for number, (score, _) in zip(numbers, hits, strict=True)]

    def weights(self, terms: Sequence[str]) -> dict[str, float]:
        """Return how telling each term is: its inverse document frequency, as BM25 counts it."""
        known = self._weights
        wanted = list(dict.fromkeys(terms))[:MOST_TERMS]
        new = [term for term in wanted if term not in known]
        if new:
            searcher = self._index.searcher()
            texts = searcher.num_docs
            if len(known) + len(new) > MOST_WEIGHTS:
                known = self._weights = {}
                new = wanted
            for term in new:
                # deleted texts are counted among those that hold a term until tantivy merges them away
                held = searcher.doc_freq("terms", term)
                known[term] = math.log1p(max(0.0, texts - held + 0.5) / (held + 0.5))
        return {term: known[term] for term in wanted}

    def _counted(self, terms: Sequence[str]) -> dict[str, int]:
        return dict(list(Counter(terms).items())[:MOST_TERMS])

    def _query(self, counts: Mapping[str, int], allowed: Collection[int] | None) -> Any:
        query, occur = self._tantivy.Query, self._tantivy.Occur
        wanted = query.boolean_query(
            [
                (occur.Should, query.boost_query(query.term_query(self._schema, "terms", term, "freq"), float(count)))
                for term, count in counts.items()
            ]
        )
        if allowed is None:
            return wanted
        among = query.const_score_query(query.term_set_query(self._schema, "number", list(allowed)), 0.0)
        return query.boolean_query([(occur.Must, wanted), (occur.Must, among)])
