"""The rows that models of public opinion learn from: labelled ones and what operators put right, parted once for all.

Sentiment and topics are learned and judged on the same texts, so that one model can learn both, and so that it can be
compared with two.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from feilun.apps.public_opinion.corrected import Corrected
from feilun.core.files import atomic_file
from feilun.data.readers.sources import open_rows
from feilun.data.readers.tables import texts_of
from feilun.data.split import SET_NAMES, TRAIN, assign
from feilun.text.near_duplicates import near_duplicate_groups

SHARES = (0.1, 0.1)
"""Of the texts that models are chosen by, and judged by."""

SEED = 13


@dataclass(frozen=True)
class Row:
    """A labelled text.

    Args:
        text: The text itself.
        sentiment: Its sentiment; None where nobody said.
        topics: A JSON list of its topics; None where nobody said.
    """

    text: str
    sentiment: str | None = None
    topics: str | None = None

    @property
    def names(self) -> set[str]:
        """Return all that is said of it."""
        topics = json.loads(self.topics) if self.topics and self.topics.startswith("[") else [self.topics or ""]
        return {f"sentiment {self.sentiment}", *(f"topic {topic}" for topic in topics)}


def write_labelled(labelled: Path, corrected: Corrected, folder: Path) -> dict[str, dict[str, str]]:
    """Write the rows to learn from.

    Args:
        labelled: A table with the columns text, sentiment and topics, each topics a JSON list.
        corrected: What operators put right: in the place of the table's rows of the same text, or beside them.
        folder: Where tables of each task and set are written.

    Returns:
        The files of `sentiment` and of `topics`, by `train`, `validation` and `test`.
    """
    rows = labelled_rows(labelled, corrected)
    sets = _parted(rows)
    return {task: _write(task, rows, sets, folder) for task in ("sentiment", "topics")}


def labelled_rows(labelled: Path | None, corrected: Corrected) -> list[Row]:
    """Return the labelled texts, as operators put them right, and those that only they labelled."""
    return _with_corrections([] if labelled is None else _read(labelled), corrected)


def _read(labelled: Path) -> list[Row]:
    return [
        Row(text, sentiment, topics)
        for frame in open_rows(str(labelled), columns=("text", "sentiment", "topics"))
        for text, sentiment, topics in zip(
            *(texts_of(frame, name) for name in ("text", "sentiment", "topics")), strict=True
        )
        if text
    ]


def _with_corrections(rows: Sequence[Row], corrected: Corrected) -> list[Row]:
    topics = {text: json.dumps(names, ensure_ascii=False) for text, names in corrected.topics.items()}
    found = [
        replace(
            row, sentiment=corrected.sentiment.get(row.text, row.sentiment), topics=topics.get(row.text, row.topics)
        )
        for row in rows
    ]  # fmt: skip
    there = {row.text for row in rows}
    new = dict.fromkeys(text for text in (*corrected.sentiment, *topics) if text not in there)
    return found + [Row(text, corrected.sentiment.get(text), topics.get(text)) for text in new]


def _parted(rows: Sequence[Row]) -> NDArray[np.int64]:
    """Return the set of each row, shape (rows,): near duplicates together, and no label outside of train alone."""
    numbers: dict[str, int] = {}
    strata = np.array([numbers.setdefault(f"{row.sentiment}{row.topics}", len(numbers)) for row in rows], np.int64)
    sets = assign(near_duplicate_groups([row.text for row in rows]), strata, SHARES, SEED)
    known = set().union(*(row.names for row, own in zip(rows, sets, strict=True) if own == TRAIN))
    strange = [not row.names <= known for row in rows]
    sets[strange] = TRAIN
    return sets


def _write(task: str, rows: Sequence[Row], sets: NDArray[np.int64], folder: Path) -> dict[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    files: Mapping[str, Path] = {name: (folder / f"{task}-{name}.csv").absolute() for name in SET_NAMES}
    for number, path in enumerate(files.values()):
        with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(("text", task))
            for row, own in zip(rows, sets, strict=True):
                if own == number and (label := getattr(row, task)) is not None:
                    table.writerow((row.text, label))
    return {name: str(path) for name, path in files.items()}
