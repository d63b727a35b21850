"""Rows that say the same are dropped or counted: copies, near copies, and rows that leak into a later set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.decisions.rank import queries
from feilun.core.errors import DataError
from feilun.core.remark import Remark
from feilun.data import duplicates
from feilun.data.loading import Loaded
from feilun.data.paths import shown
from feilun.data.settings import DataSettings
from feilun.data.split import SET_NAMES, SET_NAMES_ZH, TEST, TRAIN, VALIDATION
from feilun.data.target_kinds.table import TargetKind


def told_apart(corpus: Corpus, kind: TargetKind) -> Corpus:
    """Return rows as far as they are told apart by them: of candidates the queries alone."""
    return replace(corpus, pair=None) if kind.lists else corpus


def within_lists(numbers: NDArray[np.int64], corpus: Corpus, kind: TargetKind) -> NDArray[np.int64]:
    """Return numbers of rows, shape (rows,); of candidates anew for each list, as one candidate stands in many."""
    if not kind.lists:
        return numbers
    return np.unique(np.stack([numbers, queries(corpus)]), axis=1, return_inverse=True)[1].ravel()


def drop_copies(train: Loaded, settings: DataSettings, kind: TargetKind) -> None:
    """Drop rows of train that have the same text and the same label as an earlier one; of candidates, of one list."""
    texts = duplicates.same_text(duplicates.compared_texts(train.corpus, settings.read_features))
    labels = within_lists(duplicates.label_numbers(train.corpus.target, len(train.corpus)), train.corpus, kind)
    repeated = Remark("same text and label as an earlier row", "文本和标签与前面某行相同")
    train.drop(repeated, duplicates.first_of_each(texts, labels))


def drop_near(sources: dict[int, Loaded], settings: DataSettings, kind: TargetKind) -> NDArray[np.int64]:
    """Drop near duplicates within train where that is wanted, and rows that leak into a later given file.

    Returns:
        The near-duplicate group of each row of train that is left, shape (rows,).
    """
    threshold = settings.clean.near_threshold
    train = sources[TRAIN]
    sets = np.repeat(list(sources), [len(loaded.corpus) for loaded in sources.values()])
    texts = [text for loaded in sources.values() for text in duplicates.compared_texts(loaded.corpus)]
    apart = [told_apart(loaded.corpus, kind) for loaded in sources.values()]
    groups = duplicates.near_groups(apart, settings)
    asked = [text for corpus in apart for text in duplicates.compared_texts(corpus)]
    text = Remark("text stands, or nearly stands, in", "文本（或近似文本）已出现在")
    leaks = {text: duplicates.leaking(asked, groups, sets, threshold)}
    if settings.group:
        values = [value for loaded in sources.values() for value in loaded.corpus.group or ()]
        leaks[Remark("group stands in", "所属分组已出现在")] = duplicates.leaking_groups(values, sets)
    kept = np.ones(len(texts), dtype=bool)
    own = np.flatnonzero(sets == TRAIN)
    if settings.clean.deduplicate == "near":
        labels = within_lists(duplicates.label_numbers(train.corpus.target, len(own)), train.corpus, kind)
        kept[own] = duplicates.first_of_near([texts[i] for i in own], groups[own], labels, threshold)
        near = Remark("nearly the same text and the same label as an earlier row", "文本与前面某行近似且标签相同")
        train.drop(near, kept[own])
    _count_leaks(sources, leaks, sets, kept, drop=settings.split.leakage == "drop")
    for number, loaded in sources.items():
        if not len(loaded.corpus):
            raise DataError(
                Remark(
                    f"No row of {shown(loaded.source)} is left: each text stands, or nearly stands, in a later file.",
                    f"{shown(loaded.source)} 一行也不剩：每条文本都在后面的文件中出现过，或有近似文本。",
                ),
                Remark(
                    f"Check that data.{SET_NAMES[number]} and the other files are not the same file.",
                    f"请检查 data.{SET_NAMES[number]} 与其他文件是否为同一个文件。",
                ),
            )
    left: NDArray[np.int64] = groups[own[kept[own]]]
    return left


def _count_leaks(
    sources: Mapping[int, Loaded],
    leaks: Mapping[Remark, NDArray[np.int64]],
    sets: NDArray[np.int64],
    kept: NDArray[np.bool_],
    *,
    drop: bool,
) -> None:
    """Count the rows that leak into a later given file, and drop them where that is wanted.

    Args:
        sources: The sources by set.
        leaks: The later set that each row leaks into, by reason, shape (rows,).
        sets: The set of each row, shape (rows,).
        kept: Which rows are left, shape (rows,); dropped ones are taken out.
        drop: Whether to drop them.
    """
    for reason, leaking_into in leaks.items():
        for number, loaded in sources.items():
            for later in (VALIDATION, TEST):
                rows = np.flatnonzero((sets == number) & kept)
                leaking = leaking_into[rows] == later
                if not leaking.any():
                    continue
                file = SET_NAMES[later]
                named = Remark(f"{reason} the {file} file", f"{reason.chinese}{SET_NAMES_ZH[file]}文件中")
                loaded.leaks[named] += int(leaking.sum())
                if drop:
                    loaded.drop(named, ~leaking)
                    kept[rows[leaking]] = False
