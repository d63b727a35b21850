"""Retrieval by words, by vectors and by both fused, on two banks' questions.

    python benchmarks/retrieval.py --data ../shared/data [--embedder BUNDLE_OR_BASE] [--split dev]

esun_bank_faq: 175 test queries (traditional Chinese) over the questions of 617 entries; and the same queries made
simplified. bq_corpus: the first text of each positive pair asks for its second among all second texts of the split.
An embedder is a registered bundle, its folder, or the name of a base model.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from faqs import bq, embedder, esun
from feilun.core.corpus import corpus_of
from feilun.core.ports import Embedder
from feilun.knowledge.search import Entry, SearchIndex
from feilun.knowledge.terms import simplified


class Task(NamedTuple):
    """Queries, each with the id of the entry that answers it, over entries with their texts."""

    name: str
    entries: Mapping[str, tuple[str, ...]]
    queries: Sequence[tuple[str, str]]


def tasks(data: Path, split: str) -> list[Task]:
    """Return the FAQ of E.SUN bank, asked as it is and in simplified characters, and the positive pairs of BQ."""
    bank, pairs = esun(data), bq(data, split)
    simpler = [(simplified(text), answer) for text, answer in bank.queries]
    return [
        Task("esun_bank_faq", bank.questions, bank.queries),
        Task("esun_bank_faq, simplified queries", bank.questions, simpler),
        Task(f"bq_corpus {split}", pairs.questions, pairs.queries),
    ]


def measured(task: Task, embedder: Embedder | None, *, words: bool) -> tuple[float, float, float]:
    """Return MRR@10, Recall@5 and the median milliseconds of a search, the embedding of the query left out."""
    texts = [text for own in task.entries.values() for text in own]
    vectors = iter(embedder.embed(corpus_of(texts))) if embedder else None
    entries = [
        Entry(identity, own, np.stack([next(vectors) for _ in own]) if vectors else None)
        for identity, own in task.entries.items()
    ]
    index = SearchIndex(entries)
    queries = corpus_of([query for query, _ in task.queries])
    asked = embedder.embed(queries) if embedder else [None] * len(task.queries)
    ranks, seconds = [], []
    for (query, answer), vector in zip(task.queries, asked, strict=True):
        start = time.perf_counter()
        found = [hit.id for hit in index.search(query if words else "", vector)]
        seconds.append(time.perf_counter() - start)
        ranks.append(found.index(answer) + 1 if answer in found else np.inf)
    reciprocal = 1 / np.array(ranks)
    return float(reciprocal.mean()), float((reciprocal >= 1 / 5).mean()), float(np.median(seconds) * 1000)


def main() -> None:
    """Print a table of each task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--embedder", action="append", default=[], help="bundle or base model; may be given again")
    parser.add_argument("--split", choices=["dev", "test"], default="dev", help="of bq_corpus")
    arguments = parser.parse_args()
    opened = {name: embedder(name) for name in arguments.embedder}
    print("| queries | entries | found by | MRR@10 | Recall@5 | ms |\n| --- | --- | --- | --- | --- | --- |")
    for task in tasks(arguments.data, arguments.split):
        ways: list[tuple[str, Embedder | None, bool]] = [("BM25", None, True)]
        ways += [(name, own, False) for name, own in opened.items()]
        ways += [(f"BM25 and {name}", own, True) for name, own in opened.items()]
        for way, own, words in ways:
            found = measured(task, own, words=words)
            print(f"| {task.name} ({len(task.queries)}) | {len(task.entries)} | {way} | ", end="")
            print(f"{found[0]:.3f} | {found[1]:.3f} | {found[2]:.2f} |")


if __name__ == "__main__":
    main()
