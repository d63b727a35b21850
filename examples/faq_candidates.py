"""Writes the lists of candidates that `examples/faq_ranking.toml` learns from, out of a bank's knowledge base.

    python examples/faq_candidates.py ../shared/data/esun_bank_faq out/faq_ranking

A candidate is an entry of the knowledge base: its other questions and its answers. In training each question of an
entry asks: its own entry (without that question) is relevant, and the entries nearest by BM25 are not, so that what is
learnt is the order within what a search by words finds. A tenth of the entries asks for validation instead, and a tenth
for the test. given.csv has the queries and the fifteen candidates each that the data set gives, on which BM25 alone is
nearly always right.
"""

from __future__ import annotations

import csv
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from feilun.evaluation.word_search import bm25

NEGATIVES = 5
LONGEST = 120
"""Characters kept of a candidate."""

Row = tuple[str, str, str, int]


def main(source: Path, out: Path) -> None:
    """Write train.csv, dev.csv, test.csv and given.csv."""
    entries: dict[int, list[dict[str, object]]] = defaultdict(list)
    for row in _rows(source / "kb.jsonl"):
        entries[int(str(row["doc_id"]))].append(row)
    tenth = len(entries) // 10
    held = random.Random(13).sample(sorted(entries), 2 * tenth)
    sets = {**dict.fromkeys(held[:tenth], "dev"), **dict.fromkeys(held[tenth:], "test")}
    out.mkdir(parents=True, exist_ok=True)
    asked = list(_asked(entries))
    for name in ("train", "dev", "test"):
        _write(out / f"{name}.csv", (row for entry, row in asked if sets.get(entry, "train") == name))
    _write(out / "given.csv", _given(entries, source))


def _asked(entries: dict[int, list[dict[str, object]]]) -> Iterable[tuple[int, Row]]:
    """Yield each question with its own entry and those nearest to it, and which entry asks."""
    numbers = list(entries)
    search = bm25([_text(entries[number]) for number in numbers])
    for entry, rows in entries.items():
        for place, row in enumerate(rows):
            question = str(row["question"])
            name = f"{entry}-{place}"
            yield entry, (name, question, _text(rows, without=question), 1)
            nearest = [numbers[i] for i in np.argsort(-search([question])[0], kind="stable")[: NEGATIVES + 1]]
            for other in [number for number in nearest if number != entry][:NEGATIVES]:
                yield entry, (name, question, _text(entries[other]), 0)


def _given(entries: dict[int, list[dict[str, object]]], source: Path) -> Iterable[Row]:
    for row in _rows(source / "queries_test.jsonl"):
        candidates = row["candidate_doc_ids"]
        assert isinstance(candidates, list)  # noqa: S101 - by the data set's description
        for number in candidates:
            yield str(row["query_id"]), str(row["query"]), _text(entries[number]), int(number == row["relevant_doc_id"])


def _text(rows: list[dict[str, object]], without: str = "") -> str:
    """Return an entry as one text: its questions, but for one, and its answers."""
    questions = [str(row["question"]) for row in rows if row["question"] != without]
    answers = [str(answer) for row in rows for answer in (row["answers"] if isinstance(row["answers"], list) else ())]
    return " ".join(dict.fromkeys([*questions, *answers]))[:LONGEST]


def _rows(path: Path) -> Iterable[dict[str, object]]:
    return map(json.loads, path.read_text(encoding="utf-8").splitlines())


def _write(path: Path, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["query_id", "query", "candidate", "relevant"])
        writer.writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
