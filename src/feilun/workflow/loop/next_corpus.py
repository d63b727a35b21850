"""The rows of the next training: the recipe's as they were, and beside them what people said since."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from feilun.core.corpus import Corpus
from feilun.core.decisions.multitask import qualified
from feilun.core.files import atomic_file
from feilun.core.observation import Observation
from feilun.core.splits import Splits
from feilun.data import duplicates
from feilun.data.leaks import told_apart
from feilun.data.prepare import prepare
from feilun.data.settings import DataSettings
from feilun.data.split import SET_NAMES, TEST, TRAIN, VALIDATION
from feilun.data.target_kinds.same import DIFFERENT
from feilun.evaluation.slices import slice_columns
from feilun.monitoring.reviewed import Reviewed, Row, held_out, reviewed
from feilun.workflow.loop.feedback_rows import FeedbackRows
from feilun.workflow.recipe import Recipe


@dataclass(frozen=True)
class NextRows:
    """The rows of one task in the next training.

    Args:
        task: What it does.
        data: Reads the files that were written.
        old: The recipe's own sets; the test rows are those of every version.
        test: The rows by which what was known before is compared: the old test rows.
        new: Rows told by people from which no version learns.
        learned: Rows told by people that are learned from, a share of them as validation rows.
        near: Rows left out because their text nearly stands among those not learned from.
        approved: Rows left out because no version may learn from them, nor any be judged by them: of written texts
            those that a thumb alone called right.
        said: All that people said.
    """

    task: str
    data: DataSettings
    old: Splits
    test: Corpus
    new: Corpus
    learned: int
    near: int
    approved: int
    said: Reviewed

    def left_out(self) -> dict[str, int]:
        """Return how many rows that people spoke of are not used, by reason."""
        return {**self.said.left_out(), "near_held_out": self.near, "approved_held_out": self.approved}


@dataclass(frozen=True)
class NextCorpus:
    """The rows of the next training.

    Args:
        recipe: Reads the files that were written; all else as in the recipe it came from.
        tasks: The rows of each task; under "" where there is but one.
    """

    recipe: Recipe
    tasks: Mapping[str, NextRows]

    @property
    def learned(self) -> int:
        """Return how many answers told by people are learned from."""
        return sum(own.learned for own in self.tasks.values())

    def left_out(self) -> dict[str, int]:
        """Return how many rows that people spoke of are not used, by reason, of all tasks."""
        total: Counter[str] = Counter()
        for own in self.tasks.values():
            total.update(own.left_out())
        return dict(total)


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
        StorageError: If the folder cannot be written.
    """
    share = recipe.retrain.held_out
    tasks = {name: _next_rows(name, table, found, share, folder / name) for name, table in _tables(recipe).items()}
    if not recipe.tasks:
        return NextCorpus(replace(recipe, data=tasks[""].data), tasks)
    own = {name: replace(settings, data=tasks[name].data) for name, settings in recipe.tasks.items()}
    return NextCorpus(replace(recipe, tasks=own), tasks)


def kinds_of(recipe: Recipe) -> dict[str, str]:
    """Return what each task of a recipe does; under "" where there is but one."""
    return {name: own.task for name, own in recipe.tasks.items()} or {"": recipe.kind}


def said_by_task(recipe: Recipe, found: Sequence[Observation], labels: Sequence[str]) -> dict[str, Reviewed]:
    """Return what people said that a model can learn, by task.

    Args:
        recipe: Its recipe.
        found: Observations with feedback.
        labels: Its labels; those of several tasks with the name of theirs before them.
    """
    return {name: _said(name, table, found, _own(labels, name)) for name, table in _tables(recipe).items()}


def with_strangers(corpus: Corpus) -> Corpus:
    """Return pairs that all say the same with as many beside them that do not: each first text with the next second.

    By the first kind alone, a model that calls every pair the same would be the best.
    """
    second = corpus.pair or ()
    turned = [*second[1:], *second[:1]]
    kin = list(zip(corpus.text, second, corpus.group or second, strict=True))
    apart = [i for i, other in enumerate([*kin[1:], *kin[:1]]) if not set(kin[i]) & set(other)]
    both = corpus.select([*range(len(corpus)), *apart])
    return replace(
        both,
        pair=[*second, *(turned[row] for row in apart)],
        target=[*(corpus.target or ()), *([DIFFERENT] * len(apart))],
    )


def _tables(recipe: Recipe) -> dict[str, FeedbackRows]:
    columns = slice_columns(recipe.evaluation.slices)
    data = {name: own.data for name, own in recipe.tasks.items()} or {"": recipe.data}
    return {name: FeedbackRows(data[name].with_kept(columns), kind) for name, kind in kinds_of(recipe).items()}


def _own(labels: Sequence[str], task: str) -> list[str]:
    """Return the labels of a task without its name."""
    before = qualified(task, "") if task else ""
    return [label.removeprefix(before) for label in labels if label.startswith(before)]


def _said(task: str, table: FeedbackRows, found: Sequence[Observation], labels: Collection[str]) -> Reviewed:
    """Return what people said of the answers to a task that can be learned: with other labels, or less, nothing can."""
    answers = [part for one in found if (part := one.part(task)) is not None]
    return reviewed(answers, lambda one, target: table.unfit(one, target, labels))


def _next_rows(task: str, table: FeedbackRows, found: Sequence[Observation], share: float, folder: Path) -> NextRows:
    """Put the rows of a task together and write them; `share` of what people said is not learned from."""
    old = prepare(table.data.with_raw, task=table.task)
    said = _said(task, table, found, old.labels.names)
    known = {key for part in (old.train, old.validation) for key in table.keys(part, old.features)}
    keys = list(table.keys(table.corpus(said.rows), old.features)) if said.rows else []
    chosen = [(row, key, held_out(key, share)) for row, key in zip(said.rows, keys, strict=True)]
    kept = [row for row, key, out in chosen if out and key not in known and table.judges(row)]
    approved = sum(out and key not in known and not table.judges(row) for row, key, out in chosen)
    learned = _apart([(row, key) for row, key, out in chosen if not out], kept, table)
    sets = [table.of_corpus(part) for part in (old.train, old.validation, old.test)]
    # training stops, and scores are calibrated, by the new kind of rows as well as by the old
    validating = len(old.validation) / (len(old.train) + len(old.validation))
    groups = _groups(old)
    for row, key in learned:
        place = VALIDATION if held_out(f"validation {key}", validating) else TRAIN
        sets[place].append(table.of_told(row, groups))
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.jsonl" for name in SET_NAMES]
    for path, rows in zip(paths, sets, strict=True):
        _write(path, rows)
    train, validation, test = map(str, paths)
    files = replace(table.files, train=train, validation=validation, test=test)
    left = len(said.rows) - len(learned) - len(kept) - approved
    judged = old.test if table.data.targets else with_strangers(old.test)
    return NextRows(table.task, files, old, judged, table.corpus(kept), len(learned), left, approved, said)


def _groups(old: Splits) -> Mapping[str, str]:
    """Return the group of each text, of test rows first: further rows of these are not learned from."""
    found: dict[str, str] = {}
    for part in (old.test, old.validation, old.train):
        if part.group is not None:
            for text, group in zip(part.text, part.group, strict=True):
                found.setdefault(text, group)
    return found


def _apart(rest: Sequence[tuple[Row, str]], kept: Sequence[Row], table: FeedbackRows) -> list[tuple[Row, str]]:
    """Return the rows that do not nearly stand among those that are kept for comparing."""
    if not rest:
        return []
    corpus = told_apart(table.corpus([*(row for row, _ in rest), *kept]), table.kind)
    sets = np.array([TRAIN] * len(rest) + [TEST] * len(kept), dtype=np.int64)
    groups = duplicates.near_groups([corpus], table.data)
    threshold = table.data.clean.near_threshold
    leaks = duplicates.leaking(duplicates.compared_texts(corpus), groups, sets, threshold)
    return [row for row, leak in zip(rest, leaks[: len(rest)].tolist(), strict=True) if leak < 0]


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
