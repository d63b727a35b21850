"""The rows of the next training: the recipe's as they were, and beside them what people said since."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from feilun.core.corpus import Corpus
from feilun.core.files import atomic_file
from feilun.core.observation import Observation
from feilun.core.splits import Splits
from feilun.data import duplicates
from feilun.data.prepare import prepare, told_apart
from feilun.data.split import SET_NAMES, TEST, TRAIN, VALIDATION
from feilun.data.target_kinds.same import DIFFERENT
from feilun.data.target_kinds.table import TARGET_KINDS
from feilun.evaluation.slices import slice_columns
from feilun.monitoring.reviewed import Reviewed, Row, held_out, reviewed
from feilun.workflow.recipe import Recipe
from feilun.workflow.told_rows import ToldRows


@dataclass(frozen=True)
class NextCorpus:
    """The rows of the next training.

    Args:
        recipe: Reads the files that were written; all else as in the recipe it came from.
        old: The recipe's own sets; the test rows are those of every version.
        test: The rows by which what was known before is compared: the old test rows.
        new: Rows told by people from which no version learns.
        learned: Rows told by people that are learned from, a share of them as validation rows.
        near: Rows left out because their text nearly stands among those not learned from.
        said: All that people said.
    """

    recipe: Recipe
    old: Splits
    test: Corpus
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
        StorageError: If the folder cannot be written.
    """
    table = ToldRows(recipe.data.with_kept(slice_columns(recipe.evaluation.slices)), recipe.kind)
    old = prepare(table.data.with_raw, task=recipe.kind)
    said = told(recipe, found, old.labels.names)
    known = {key for part in (old.train, old.validation) for key in table.keys(part, old.features)}
    keys = list(table.keys(table.corpus(said.rows), old.features)) if said.rows else []
    drawn = [held_out(key, recipe.retrain.held_out) for key in keys]
    chosen = list(zip(said.rows, keys, drawn, strict=True))
    kept = [row for row, key, out in chosen if out and key not in known]
    rest = [(row, key) for row, key, out in chosen if not out]
    learned = _apart(rest, kept, table)
    sets = [table.of_corpus(part) for part in (old.train, old.validation, old.test)]
    # training stops, and scores are calibrated, by the new kind of rows as well as by the old
    share = len(old.validation) / (len(old.train) + len(old.validation))
    groups = _groups(old)
    for row, key in learned:
        place = VALIDATION if held_out(f"validation {key}", share) else TRAIN
        sets[place].append(table.of_told(row, groups))
    paths = [folder / f"{name}.jsonl" for name in SET_NAMES]
    for path, rows in zip(paths, sets, strict=True):
        _write(path, rows)
    train, validation, test = map(str, paths)
    files = replace(table.files, train=train, validation=validation, test=test)
    left = len(said.rows) - len(learned) - len(kept)
    judged = old.test if recipe.data.targets else with_strangers(old.test)
    return NextCorpus(replace(recipe, data=files), old, judged, table.corpus(kept), len(learned), left, said)


def told(recipe: Recipe, found: Sequence[Observation], names: Collection[str]) -> Reviewed:
    """Return what people said that a model can learn.

    Args:
        recipe: Its recipe; where columns are written into the text, a text that came without them is no such row.
        found: Observations with feedback.
        names: The labels of the recipe's rows: others cannot be learned.
    """
    kind = TARGET_KINDS[recipe.kind]
    return reviewed(
        found,
        lambda target: set(names).issuperset(kind.names(target)),
        lambda one: bool(one.features) or not recipe.data.verbalise,
    )


def with_strangers(corpus: Corpus) -> Corpus:
    """Return pairs that all say the same with as many beside them that do not: each first text with the next second.

    By the first kind alone, a model that calls every pair the same would be the best.
    """
    second = corpus.pair or ()
    turned = [*second[1:], *second[:1]]
    kin = list(zip(corpus.text, second, corpus.group or second, strict=True))
    apart = [i for i, next_one in enumerate([*kin[1:], *kin[:1]]) if not set(kin[i]) & set(next_one)]
    both = corpus.select([*range(len(corpus)), *apart])
    return replace(
        both,
        pair=[*second, *(turned[row] for row in apart)],
        target=[*(corpus.target or ()), *([DIFFERENT] * len(apart))],
    )


def _groups(old: Splits) -> Mapping[str, str]:
    """Return the group of each text, of test rows first: further rows of these are not learned from."""
    found: dict[str, str] = {}
    for part in (old.test, old.validation, old.train):
        for text, group in zip(part.text, part.group or (), strict=part.group is not None):
            found.setdefault(text, group)
    return found


def _apart(rest: Sequence[tuple[Row, str]], kept: Sequence[Row], table: ToldRows) -> list[tuple[Row, str]]:
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
