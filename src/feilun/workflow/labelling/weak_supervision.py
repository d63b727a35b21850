"""Texts of a table labelled by rules, and how the rules get along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.data.loading import load
from feilun.data.readers.sources import open_rows
from feilun.data.readers.tables import texts_of
from feilun.data.settings import DataSettings
from feilun.labelling.label_model import LabelModel, conflicts, decide, fit_label_model
from feilun.labelling.rules import RuleFile, votes
from feilun.workflow.getting_started.first_look import look
from feilun.workflow.labelling.added_columns import write_added

LABEL, CONFIDENCE = "weak_label", "weak_confidence"
UNKNOWN, OTHER = -2, -3


@dataclass(frozen=True)
class Weak:
    """What rules say of the texts of a table.

    Args:
        settings: The table and its column of texts.
        file: The rules.
        corpus: The texts, cleaned; an id is the number of the row.
        votes: Which rule speaks of which text, shape (rows, rules).
        model: How far each rule is trusted.
        chosen: The class of each text, -1 where none is certain enough, shape (rows,).
        confidence: Its probability, shape (rows,).
        right: The class that the table's own label names, shape (rows,); `OTHER` where it names one that no rule has,
            `UNKNOWN` where it is empty. None where the table has no such column.
    """

    settings: DataSettings
    file: RuleFile
    corpus: Corpus
    votes: NDArray[np.bool_]
    model: LabelModel
    chosen: NDArray[np.int64]
    confidence: NDArray[np.float64]
    right: NDArray[np.int64] | None

    def to_json(self) -> dict[str, Any]:
        """Return the report: coverage, overlaps and conflicts of each rule, as shares of the rows."""
        overlaps = self.votes & (self.votes.sum(axis=1) > 1)[:, None]
        torn = conflicts(self.votes, self.model.classes)
        rules = [
            {"rule": name, "label": rule.label, "coverage": _mean(self.votes[:, i]), "overlaps": _mean(overlaps[:, i]),
             "conflicts": _mean(torn[:, i]), "trusted": round(float(self.model.trusted[i]), 4),
             **self._measured(self.votes[:, i], np.full(len(self.corpus), self.model.classes[i]))}
            for i, (name, rule) in enumerate(self.file.rules.items())
        ]  # fmt: skip
        labelled = self.chosen >= 0
        counts = {name: int((self.chosen == i).sum()) for i, name in enumerate(self.file.labels)}
        return {
            "rows": len(self.corpus), "labelled": int(labelled.sum()), "coverage": _mean(self.votes.any(axis=1)),
            "conflicts": _mean(torn.any(axis=1)), "labels": counts, **self._measured(labelled, self.chosen),
            "rules": rules,
        }  # fmt: skip

    def _measured(self, rows: NDArray[np.bool_], said: NDArray[np.int64]) -> dict[str, Any]:
        """Return how often what is said of rows is what the table says, over those of which it says something."""
        if self.right is None:
            return {}
        known = rows & (self.right != UNKNOWN)
        return {"accuracy": _mean((said == self.right)[known]) if known.any() else None, "measured": int(known.sum())}


def label_by_rules(
    file: RuleFile, source: str, text: str | None = None, minimum: float = 0.0, target: str | None = None
) -> Weak:
    """Label the texts of a table.

    Args:
        file: The rules.
        source: The table.
        text: Its column of texts; else the one that looks like it.
        minimum: Probability below which a text gets no label.
        target: A column of true labels to measure the rules by; nothing is learnt from it.

    Raises:
        DataError: If the table cannot be read.
    """
    column = text or look(source).text
    settings = DataSettings(source, text=column, target=())
    loaded = load(source, settings, key="the table", target=None, cleaning=settings.clean.cleaning())
    corpus, names = loaded.corpus, file.labels
    classes = np.array([names.index(rule.label) for rule in file.rules.values()], np.int64)
    found = votes(list(file.rules.values()), corpus.text)
    model = fit_label_model(found, classes, len(names), file.class_shares())
    probabilities = model.probabilities(found)
    confidence = probabilities.max(axis=1)
    chosen = np.where(confidence >= minimum, decide(probabilities, found), -1)
    right = None if target is None else _named(source, target, names)[_positions(corpus)]
    return Weak(settings, file, corpus, found, model, chosen, confidence, right)


def write_weak(weak: Weak, path: Path) -> int:
    """Write the table's rows with the label that follows from the rules, empty where none does, and its probability.

    Args:
        weak: What the rules say.
        path: The file; its ending picks csv, tsv, jsonl or parquet.

    Returns:
        Rows written: all of the table's.
    """
    names = weak.file.labels
    cells = {
        int(identity): (names[chosen], round(confidence, 4))
        for identity, chosen, confidence in zip(
            weak.corpus.id, weak.chosen.tolist(), weak.confidence.tolist(), strict=True
        )
        if chosen >= 0
    }
    return write_added(weak.settings.train, path, {LABEL: str, CONFIDENCE: float}, cells)


def _positions(corpus: Corpus) -> NDArray[np.int64]:
    """Return the position in the table of each row, shape (rows,)."""
    return np.array([int(identity) - 1 for identity in corpus.id], np.int64)


def _named(source: str, column: str, names: Sequence[str]) -> NDArray[np.int64]:
    """Return the class that a column names for each row of a table, shape (rows,); `OTHER` or `UNKNOWN` for others."""
    cells = chain.from_iterable(texts_of(frame, column) for frame in open_rows(source, columns=[column]))
    numbers = {"": UNKNOWN, **{name: i for i, name in enumerate(names)}}
    return np.array([numbers.get((cell or "").strip(), OTHER) for cell in cells], np.int64)


def _mean(values: Any) -> float:
    return round(float(values.mean()), 4)
