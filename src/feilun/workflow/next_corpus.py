"""The rows of the next training: the recipe's as they were, and beside them what people said since."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from feilun.core.answers.table import ANSWERS, AnswerKind
from feilun.core.corpus import Corpus
from feilun.core.errors import UsageError
from feilun.core.features import FeatureColumns
from feilun.core.files import atomic_file
from feilun.core.observation import Observation, asked_about, row_key
from feilun.core.splits import Splits
from feilun.data import duplicates
from feilun.data.prepare import prepare
from feilun.data.settings import DataSettings
from feilun.data.split import SET_NAMES, TEST, TRAIN, VALIDATION
from feilun.data.target_kinds.table import TARGET_KINDS
from feilun.evaluation.slices import slice_columns
from feilun.monitoring.reviewed import Reviewed, Row, held_out, reviewed
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
        """Return how many rows that people spoke of are not used, by reason."""
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
        UsageError: If the columns beside the text were written into it, so that they cannot be told from it again.
        StorageError: If the folder cannot be written.
    """
    if recipe.data.verbalise:
        raise UsageError(
            f"The columns that {recipe.name} reads are written into its texts (data.verbalise), and observations hold "
            "these alone: they cannot be told apart again.",
            "Put the corrected rows into a new table, and train on that; or read the columns as such.",
        )
    data = recipe.data.with_kept(slice_columns(recipe.evaluation.slices))
    old = prepare(data, task=recipe.kind)
    said = reviewed(found, learnable(recipe.kind, old.labels.names))
    known = {key for part in (old.train, old.validation) for key in _keys(part, old.features, data.read_features)}
    drawn = [held_out(row.last.row, recipe.retrain.held_out) for row in said.rows]
    kept = [row for row, out in zip(said.rows, drawn, strict=True) if out and row.last.row not in known]
    rest = [row for row, out in zip(said.rows, drawn, strict=True) if not out]
    learned = _apart(rest, kept, data)
    kind = ANSWERS[recipe.kind]
    sets = [_rows_of(part, data, kind) for part in (old.train, old.validation, old.test)]
    # training stops, and scores are calibrated, by the new kind of rows as well as by the old
    share = len(old.validation) / (len(old.train) + len(old.validation))
    for row in learned:
        place = VALIDATION if held_out(f"validation {row.last.row}", share) else TRAIN
        sets[place].append(_row_of(row, data, kind))
    paths = [folder / f"{name}.jsonl" for name in SET_NAMES]
    for path, rows in zip(paths, sets, strict=True):
        _write(path, rows)
    train, validation, test = map(str, paths)
    files = replace(data, train=train, validation=validation, test=test, query=None, encoding="auto", gather=None)
    left = len(said.rows) - len(learned) - len(kept)
    return NextCorpus(replace(recipe, data=files), old, _corpus_of(kept), len(learned), left, said)


def learnable(kind: str, names: Collection[str]) -> Callable[[Any], bool]:
    """Return what says whether a right answer can be learned: its labels must be among those of the training rows."""
    return lambda target: set(names).issuperset(TARGET_KINDS[kind].names(target))


def _corpus_of(rows: Sequence[Row]) -> Corpus:
    return replace(asked_about([row.last for row in rows]), target=[row.target for row in rows])


def _keys(corpus: Corpus, columns: FeatureColumns | None, names: Sequence[str]) -> Iterator[str]:
    """Yield each row as `Observation.row` gives it."""
    cells = {} if columns is None else columns.plain({name: corpus.features[name] for name in names})
    for i, text in enumerate(corpus.text):
        pair = None if corpus.pair is None else corpus.pair[i]
        yield row_key(text, pair, {name: column[i] for name, column in cells.items()})


def _apart(rest: Sequence[Row], kept: Sequence[Row], data: DataSettings) -> list[Row]:
    """Return the rows that do not nearly stand among those that are kept for comparing."""
    if not rest:
        return []
    corpus, threshold = _corpus_of((*rest, *kept)), data.clean.near_threshold
    sets = np.array([TRAIN] * len(rest) + [TEST] * len(kept), dtype=np.int64)
    groups = duplicates.near_groups([corpus], data)
    leaks = duplicates.leaking(duplicates.compared_texts(corpus), groups, sets, threshold)
    return [row for row, leak in zip(rest, leaks[: len(rest)].tolist(), strict=True) if leak < 0]


def _rows_of(corpus: Corpus, data: DataSettings, kind: AnswerKind) -> list[dict[str, Any]]:
    columns = {data.text: corpus.text, data.pair: corpus.pair, data.group: corpus.group, data.time: corpus.time}
    given = {name: column for name, column in columns.items() if name and column is not None}
    given |= corpus.features
    targets = corpus.target or ()
    return [
        {name: column[i] for name, column in given.items()}
        | dict(zip(data.targets, kind.cells(targets[i]), strict=True))
        for i in range(len(corpus))
    ]


def _row_of(row: Row, data: DataSettings, kind: AnswerKind) -> dict[str, Any]:
    """Return a row told by a person; what no observation has, such as columns of slices, is empty."""
    time = datetime.fromtimestamp(row.last.time, UTC).isoformat(timespec="seconds")
    filled = {data.text: row.last.text, data.pair: row.last.pair, data.group: row.last.id, data.time: time}
    known = {**(row.last.features or {}), **{name: value for name, value in filled.items() if name}}
    return {**dict.fromkeys(data.kept), **known, **dict(zip(data.targets, kind.cells(row.target), strict=True))}


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
