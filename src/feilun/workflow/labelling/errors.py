"""Which labels of a recipe or a table are probably wrong."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.files import atomic_file, write_json
from feilun.core.labels import LabelSet
from feilun.core.remark import Remark
from feilun.data.readers.sources import open_rows
from feilun.data.targets import RARE_ROWS
from feilun.labelling.confident_learning import Suspects, find_suspects
from feilun.labelling.folds import deal, out_of_fold
from feilun.text.formulas import inert
from feilun.workflow.finished.predict_file import write_frames
from feilun.workflow.labelling.label_files import refuse_to_lose_labels
from feilun.workflow.labelling.labelled_texts import Place, labelled_rows
from feilun.workflow.labelling.vectors import vectors_of

if TYPE_CHECKING:
    from polars import DataFrame

NAMED = 5
COLUMNS = ("row", "given", "suggested", "confidence", "margin", "text")


@dataclass(frozen=True)
class LabelErrors:
    """What was found about the labels of some rows.

    Args:
        corpus: The rows; an id is the number of the row in the file.
        labels: The labels in class order.
        suspects: What is said of each row.
        read_by: A phrase for what read the texts.
        folds: How many models were fitted.
        place: Where they stand.
    """

    corpus: Corpus
    labels: LabelSet
    suspects: Suspects
    read_by: str
    folds: int
    place: Place

    def wrong(self) -> NDArray[np.int64]:
        """Return the positions of the rows whose label is called wrong, the worst first."""
        return self.suspects.ranked()[: int(self.suspects.wrong.sum())]

    def line(self, row: int) -> dict[str, Any]:
        """Return a row as the table shows it."""
        return {
            "row": self.corpus.id[row],
            "given": (self.corpus.target or ())[row],
            "suggested": self.labels.names[self.suspects.suggested[row]],
            "confidence": round(float(self.suspects.confidence[row]), 4),
            "margin": round(float(self.suspects.margin[row]), 4),
            "text": self.corpus.text[row],
        }

    def per_label(self) -> list[dict[str, Any]]:
        """Return the estimated noise of each label, the worst first."""
        carrying, called = (np.bincount(part, minlength=len(self.labels)) for part in self._classes())
        noise, missing = self.suspects.noise(), self.suspects.missing()
        lines = [
            {"label": name, "rows": int(carrying[i]), "called_wrong": int(called[i]),
             "noise": round(float(noise[i]), 4), "missing": round(float(missing[i]), 4)}
            for i, name in enumerate(self.labels.names)
        ]  # fmt: skip
        return sorted(lines, key=lambda line: -line["noise"])

    def notes(self) -> list[Remark]:
        """Say which labels have too few rows for what is said of them."""
        rows = np.bincount(self._classes()[0], minlength=len(self.labels))
        few = [f"{self.labels.names[i]!r} ({rows[i]})" for i in np.argsort(rows, kind="stable") if rows[i] < RARE_ROWS]
        if not few:
            return []
        named = ", ".join(few[:NAMED])
        more = len(few) - NAMED
        return [
            Remark(
                f"With fewer than {RARE_ROWS} rows a label is hardly learnt, and right rows of it may be called wrong: "
                f"{named}{f' and {more} more' if more > 0 else ''}. 50 to 100 rows of each label make a start.",
                f"少于 {RARE_ROWS} 行的标签几乎学不会，其正确的行也可能被判为有误：{named.replace(', ', '、')}"
                f"{f'，另有 {more} 个' if more > 0 else ''}。每个标签宜有 50 到 100 行。",
            )
        ]

    def to_json(self, count: int) -> dict[str, Any]:
        """Return the public JSON form with so many of the worst rows."""
        wrong = self.wrong()
        return {
            "rows": len(self.corpus), "wrong": len(wrong), "read_by": self.read_by, "folds": self.folds,
            "notes": self.notes(), "per_label": self.per_label(),
            "worst": [self.line(row) for row in wrong[:count].tolist()],
        }  # fmt: skip

    def _classes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        given = self.labels.encode([str(target) for target in self.corpus.target or ()])
        return given, given[self.suspects.wrong]


def label_errors(place: Place, folds: int = 5, seed: int = 13) -> LabelErrors:
    """Look for wrong labels by confident learning over out-of-fold predictions.

    Args:
        place: The rows, and the base that reads them.
        folds: Models to fit, each on all rows but its own.
        seed: Deals the rows into folds.

    Raises:
        DataError: If the rows cannot be read, carry no labels, or are too few.
    """
    loaded, labels = labelled_rows(place)
    corpus = loaded.corpus
    given = labels.encode([str(target) for target in corpus.target or ()])
    dealt = deal(corpus.text, given, folds, seed)
    vectors = vectors_of(corpus, place, len(labels))
    suspects = find_suspects(given, out_of_fold(vectors.matrix, given, dealt))
    return LabelErrors(corpus, labels, suspects, vectors.read_by, folds, place)


def write_errors(found: LabelErrors, path: Path) -> None:
    """Write the rows whose label is called wrong, the worst first.

    Args:
        found: What was found.
        path: Ends in .json, or in .csv: for people, with an empty column `label` for the right one.

    Raises:
        UsageError: If a table of that name holds labels that people filled in.
    """
    refuse_to_lose_labels(path)
    lines = [found.line(row) for row in found.wrong().tolist()]
    if path.suffix.lower() == ".json":
        write_json(path, {**found.to_json(0), "worst": lines})
        return
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow((*COLUMNS, "label"))
        writer.writerows([*(inert(str(line[name])) for name in COLUMNS), ""] for line in lines)


def write_kept(found: LabelErrors, path: Path) -> int:
    """Write the source's rows without those whose label is called wrong; columns and order stay.

    Args:
        found: What was found.
        path: The file; its ending picks csv, tsv, jsonl or parquet.

    Returns:
        Rows written.
    """
    settings = found.place.settings
    dropped = {int(found.corpus.id[row]) for row in found.wrong().tolist()}

    def kept() -> Iterator[DataFrame]:
        number = 0
        for frame in open_rows(settings.train, query=settings.query, encoding=settings.encoding):
            rows = [number + i + 1 not in dropped for i in range(len(frame))]
            number += len(frame)
            yield frame.filter(rows)

    return write_frames(kept(), path)
