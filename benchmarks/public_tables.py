"""The public data sets as the benchmarks read them: tables with the columns `text` and `label`."""

from __future__ import annotations

import csv
from pathlib import Path

from feilun.core.corpus import Corpus, corpus_of


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table, cells by column."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def texts_and_labels(path: Path) -> tuple[list[str], list[str]]:
    """Return the columns `text` and `label` of a table."""
    rows = rows_of(path)
    return [row["text"] for row in rows], [row["label"] for row in rows]


def read(path: Path) -> Corpus:
    """Return a table with the columns `text` and `label` as a corpus."""
    return corpus_of(*texts_and_labels(path))
