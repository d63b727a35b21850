"""A table whose labels can be read off its words, some of them wrong."""

from __future__ import annotations

import csv
from pathlib import Path

from tiny import reviews


def labelled_table(path: Path, rows: int = 240, wrong: int = 0) -> list[int]:
    """Write it; the first `wrong` rows labelled good are called bad. Returns their row numbers."""
    corpus = reviews(rows, 3)
    labels = list(corpus.target or ())
    changed = [i for i, label in enumerate(labels) if label == "good"][:wrong]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label", "channel"))
        for i, (text, label) in enumerate(zip(corpus.text, labels, strict=True)):
            writer.writerow((text, "bad" if i in changed else label, ("app", "web")[i % 2]))
    return [i + 1 for i in changed]
