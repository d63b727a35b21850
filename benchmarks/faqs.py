"""Two banks' questions, and what finds the entries that answer them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from feilun.bundles.bundle import open_bundle
from feilun.core.errors import BundleError
from feilun.core.ports import Embedder
from feilun.models.base_embedder import BaseEmbedder
from feilun.models.bases.catalogue import open_base
from public_tables import rows_of


@dataclass(frozen=True)
class Faq:
    """Questions that are known, and queries with the one that answers each.

    Args:
        questions: By the id of an entry, its questions.
        answers: By the id of an entry, its answers; empty where the set has none.
        queries: (query, id of the entry that answers it).
    """

    questions: dict[str, tuple[str, ...]]
    answers: dict[str, list[str]]
    queries: list[tuple[str, str]]


def esun(data: Path) -> Faq:
    """Read E.SUN bank's FAQ, in traditional characters."""
    folder = data / "esun_bank_faq"
    questions: dict[str, tuple[str, ...]] = {}
    answers: dict[str, list[str]] = {}
    for row in map(json.loads, (folder / "kb.jsonl").read_text(encoding="utf-8").splitlines()):
        identity = str(row["doc_id"])
        questions[identity] = (*questions.get(identity, ()), row["question"])
        answers.setdefault(identity, []).extend(row["answers"])
    lines = (folder / "queries_test.jsonl").read_text(encoding="utf-8").splitlines()
    return Faq(questions, answers, [(row["query"], str(row["relevant_doc_id"])) for row in map(json.loads, lines)])


def bq(data: Path, part: str) -> Faq:
    """Read a part of BQ: its second texts are the entries, the first texts of its positive pairs the queries."""
    rows = rows_of(data / "bq_corpus" / f"{part}.csv")
    ids = {text: str(number) for number, text in enumerate(dict.fromkeys(row["sentence2"] for row in rows))}
    queries = [(row["sentence1"], ids[row["sentence2"]]) for row in rows if row["label"] == "1"]
    return Faq({number: (text,) for text, number in ids.items()}, {}, queries)


def embedder(name: str) -> Embedder:
    """Open a bundle, or a base model with its own pooling."""
    try:
        return open_bundle(name, threads=1)
    except BundleError:
        return BaseEmbedder(open_base(name))
