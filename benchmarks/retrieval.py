"""Retrieval by words, by vectors and by both fused, on two banks' questions.

    python benchmarks/retrieval.py --data ../shared/data [--embedder BUNDLE_OR_BASE] [--split dev]

esun_bank_faq: 175 test queries (traditional Chinese) over the questions of 617 entries; and the same queries made
simplified. bq_corpus: the first text of each positive pair asks for its second among all second texts of the split.
An embedder is a registered bundle, its folder, or the name of a base model.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from feilun.bundles.bundle import open_bundle
from feilun.core.corpus import corpus_of
from feilun.core.errors import BundleError
from feilun.core.ports import Embedder
from feilun.knowledge.search import Entry, SearchIndex
from feilun.knowledge.terms import simplified
from feilun.models.base_embedder import BaseEmbedder
from feilun.models.bases.catalogue import open_base

Embed = Callable[[Sequence[str]], NDArray[np.float32]]


class Task(NamedTuple):
    """Queries, each with the id of the entry that answers it, over entries with their texts."""

    name: str
    entries: Mapping[str, tuple[str, ...]]
    queries: Sequence[tuple[str, str]]


def esun(data: Path) -> list[Task]:
    """Return the FAQ of E.SUN bank, asked as it is and in simplified characters."""
    entries: dict[str, tuple[str, ...]] = {}
    for line in (data / "esun_bank_faq" / "kb.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        identity = str(row["doc_id"])
        entries[identity] = (*entries.get(identity, ()), row["question"])
    lines = (data / "esun_bank_faq" / "queries_test.jsonl").read_text(encoding="utf-8").splitlines()
    queries = [(row["query"], str(row["relevant_doc_id"])) for row in map(json.loads, lines)]
    return [
        Task("esun_bank_faq", entries, queries),
        Task("esun_bank_faq, simplified queries", entries, [(simplified(text), answer) for text, answer in queries]),
    ]


def bq(data: Path, split: str) -> Task:
    """Return the positive pairs of BQ as retrieval."""
    with (data / "bq_corpus" / f"{split}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    numbers = {text: str(i) for i, text in enumerate(dict.fromkeys(row["sentence2"] for row in rows))}
    queries = [(row["sentence1"], numbers[row["sentence2"]]) for row in rows if row["label"] == "1"]
    return Task(f"bq_corpus {split}", {number: (text,) for text, number in numbers.items()}, queries)


def measured(task: Task, embed: Embed | None, *, words: bool) -> tuple[float, float, float]:
    """Return MRR@10, Recall@5 and the median milliseconds of a search, the embedding of the query left out."""
    texts = [text for own in task.entries.values() for text in own]
    vectors = iter(embed(texts)) if embed else None
    entries = [
        Entry(identity, own, np.stack([next(vectors) for _ in own]) if vectors else None)
        for identity, own in task.entries.items()
    ]
    index = SearchIndex(entries)
    asked = embed([query for query, _ in task.queries]) if embed else [None] * len(task.queries)
    ranks, seconds = [], []
    for (query, answer), vector in zip(task.queries, asked, strict=True):
        start = time.perf_counter()
        found = [hit.id for hit in index.search(query if words else "", vector)]
        seconds.append(time.perf_counter() - start)
        ranks.append(found.index(answer) + 1 if answer in found else np.inf)
    reciprocal = 1 / np.array(ranks)
    return float(reciprocal.mean()), float((reciprocal >= 1 / 5).mean()), float(np.median(seconds) * 1000)


def embedder(name: str) -> Embed:
    """Open a bundle, or a base model with its own pooling."""
    found: Embedder
    try:
        found = open_bundle(name, threads=1)
    except BundleError:
        found = BaseEmbedder(open_base(name))
    return lambda texts: found.embed(corpus_of(texts))


def main() -> None:
    """Print a table of each task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--embedder", action="append", default=[], help="bundle or base model; may be given again")
    parser.add_argument("--split", choices=["dev", "test"], default="dev", help="of bq_corpus")
    arguments = parser.parse_args()
    opened = {name: embedder(name) for name in arguments.embedder}
    print("| queries | entries | found by | MRR@10 | Recall@5 | ms |\n| --- | --- | --- | --- | --- | --- |")
    for task in [*esun(arguments.data), bq(arguments.data, arguments.split)]:
        ways: list[tuple[str, Embed | None, bool]] = [("BM25", None, True)]
        ways += [(name, embed, False) for name, embed in opened.items()]
        ways += [(f"BM25 and {name}", embed, True) for name, embed in opened.items()]
        for way, embed, words in ways:
            found = measured(task, embed, words=words)
            print(f"| {task.name} ({len(task.queries)}) | {len(task.entries)} | {way} | ", end="")
            print(f"{found[0]:.3f} | {found[1]:.3f} | {found[2]:.2f} |")


if __name__ == "__main__":
    main()
