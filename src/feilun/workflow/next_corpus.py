"""The rows of the next training: the recipe's as they were, and beside them what people said since."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from feilun.core.corpus import Corpus, corpus_of
from feilun.core.errors import UsageError
from feilun.core.files import atomic_file
from feilun.core.observation import Observation
from feilun.core.splits import Splits
from feilun.data import duplicates
from feilun.data.prepare import prepare
from feilun.data.settings import DataSettings
from feilun.data.split import SET_NAMES, TEST, TRAIN, VALIDATION
from feilun.evaluation.slices import slice_columns
from feilun.monitoring.reviewed import Reviewed, Row, held_out, reviewed
from feilun.text.near_duplicates import near_duplicate_groups
from feilun.workflow.recipe import Recipe


@dataclass(frozen=True)
class NextCorpus:
    """The rows of the next training.

    Args:
        recipe: Reads the files that were written; all else as in the recipe it came from.
        old: The recipe's own sets; the test rows are those of every version.
        new: Rows told by people from which no version learns.
        learned: Rows told by people that are learned from, a share of them as validation rows.
        near: Rows left out because their text nearly stands among those not learned from.
        said: All that people said.
    """

    recipe: Recipe
    old: Splits
    new: Corpus
    learned: int
    near: int
    said: Reviewed

    def left_out(self) -> dict[str, int]:
        """Return how many texts that people spoke of are not used, by reason."""
        return {**self.said.left_out(), "near_held_out": self.near}


def next_corpus(recipe: Recipe, found: Sequence[Observation], folder: Path) -> NextCorpus:
    """Put the next training rows together and write them as files.

    Args:
        recipe: The champion's, with the places of its data.
        found: Observations with feedback.
        folder: Receives train, validation and test; holds texts of customers, so the caller removes it.

    Returns:
        What a training and a comparison need.

    Raises:
        DataError: If the recipe's rows cannot be read (any more).
        UsageError: If the model reads features, of which no observation is kept.
        StorageError: If the folder cannot be written.
    """
    if recipe.data.features:
        raise UsageError(
            f"The model {recipe.name} reads features, and observations hold texts alone: it cannot learn from them.",
            "Put the corrected rows into a new table, and train on that.",
        )
    data = recipe.data.with_kept(slice_columns(recipe.evaluation.slices))
    old = prepare(data, task=recipe.kind)
    said = reviewed(found, old.labels.names)
    known = set(old.train.text) | set(old.validation.text)
    kept = [row for row in said.rows if held_out(row.text, recipe.retrain.held_out) and row.text not in known]
    rest = [row for row in said.rows if not held_out(row.text, recipe.retrain.held_out)]
    learned = _apart(rest, kept, data.clean.near_threshold)
    sets = [_rows_of(part, data) for part in (old.train, old.validation, old.test)]
    # training stops, and scores are calibrated, by the new kind of rows as well as by the old
    share = len(old.validation) / (len(old.train) + len(old.validation))
    for row in learned:
        sets[VALIDATION if held_out(f"validation {row.text}", share) else TRAIN].append(_row_of(row, data))
    paths = [folder / f"{name}.jsonl" for name in SET_NAMES]
    for path, rows in zip(paths, sets, strict=True):
        _write(path, rows)
    train, validation, test = map(str, paths)
    files = replace(data, train=train, validation=validation, test=test, query=None, encoding="auto")
    new = corpus_of([row.text for row in kept], [row.label for row in kept])
    return NextCorpus(
        replace(recipe, data=files), old, new, len(learned), len(said.rows) - len(learned) - len(kept), said
    )


def _apart(rest: Sequence[Row], kept: Sequence[Row], threshold: float) -> list[Row]:
    """Return the rows whose text does not nearly stand among those that are kept for comparing."""
    texts = [row.text for row in (*rest, *kept)]
    if not texts:
        return []
    sets = np.array([TRAIN] * len(rest) + [TEST] * len(kept), dtype=np.int64)
    leaks = duplicates.leaking(texts, near_duplicate_groups(texts, threshold), sets, threshold)
    return [row for row, leak in zip(rest, leaks[: len(rest)].tolist(), strict=True) if leak < 0]


def _rows_of(corpus: Corpus, data: DataSettings) -> list[dict[str, Any]]:
    columns = {data.text: corpus.text, data.targets[0]: corpus.target, data.group: corpus.group, data.time: corpus.time}
    given = {name: column for name, column in columns.items() if name is not None and column is not None}
    given |= corpus.features
    return [{name: column[i] for name, column in given.items()} for i in range(len(corpus))]


def _row_of(row: Row, data: DataSettings) -> dict[str, Any]:
    """Return a row told by a person; what no observation has, such as columns of slices, is empty."""
    time = datetime.fromtimestamp(row.answered, UTC).isoformat(timespec="seconds")
    filled = {data.text: row.text, data.targets[0]: row.label, data.group: row.observation, data.time: time}
    return {**dict.fromkeys(data.kept), **{name: value for name, value in filled.items() if name is not None}}


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
