"""Train, validation and test of a recipe: the files that are given, and what is split off for those that are not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.errors import DataError
from feilun.core.remark import Remark
from feilun.data import duplicates
from feilun.data.loading import Loaded, take
from feilun.data.paths import shown
from feilun.data.settings import DataSettings
from feilun.data.split import SET_NAMES, TEST, TRAIN, VALIDATION, assign, assign_by_time
from feilun.data.target_kinds.table import TargetKind
from feilun.text.times import seconds

FEWEST_ROWS = 20
"""Rows below which none are split off."""


def divided(
    sources: dict[int, Loaded], settings: DataSettings, groups: NDArray[np.int64], kind: TargetKind
) -> tuple[Corpus, Corpus, Corpus]:
    """Return train, validation and test: the given files, and what is split off for those that are not given.

    Args:
        sources: The given files by set; rows of train without a readable time are dropped where times divide.
        settings: The table `[data]`.
        groups: The near-duplicate group of each row of train, shape (rows,).
        kind: Tells the strata within a target.

    Raises:
        DataError: If train has too few rows to divide, or a set would get none.
    """
    train, split = sources[TRAIN], settings.split
    given = {number: loaded.corpus for number, loaded in sources.items() if number != TRAIN}
    shares = (0.0 if VALIDATION in given else split.validation, 0.0 if TEST in given else split.test)
    if not any(shares):
        return train.corpus, given[VALIDATION], given[TEST]
    if len(train.corpus) < FEWEST_ROWS:
        raise DataError(
            f"{shown(train.source)} has {len(train.corpus)} rows to use: too few to train on some and judge by others.",
            f"Give at least {FEWEST_ROWS} rows (50 and more of each label make a start).",
        )
    groups = _kin(train.corpus, groups)
    sets = (
        _sets_by_time(train, groups, shares)
        if split.by == "time"
        else _sets_at_random(train, settings, groups, shares, kind)
    )
    parts = [take(train.corpus, np.flatnonzero(sets == number)) for number in (TRAIN, VALIDATION, TEST)]
    for number, part in enumerate(parts):
        if not len(part) and number not in given:
            dropped = "; ".join(f"{count:,}: {reason}" for reason, count in train.dropped.items())
            raise DataError(
                f"No row is left for the {SET_NAMES[number]} set when {len(sets):,} of {train.rows:,} rows are split "
                f"by {split.by}{f' (dropped {dropped})' if dropped else ''}.",
                f"Give a file for it (data.{SET_NAMES[number]}), more rows, or another data.split.by.",
            )
    return parts[TRAIN], given.get(VALIDATION, parts[VALIDATION]), given.get(TEST, parts[TEST])


def _kin(corpus: Corpus, near: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number what must stand in one set, shape (rows,): near duplicates, and rows of one group."""
    return near if corpus.group is None else duplicates.joined(near, duplicates.named_groups(corpus.group))


def _sets_at_random(
    train: Loaded, settings: DataSettings, groups: NDArray[np.int64], shares: tuple[float, float], kind: TargetKind
) -> NDArray[np.int64]:
    stratified = settings.split.by == "label" and train.corpus.target is not None
    strata = kind.strata(train.corpus.target or ()) if stratified else ()
    labels = duplicates.label_numbers(strata, len(train.corpus)) if stratified else None
    return assign(groups, labels, shares, settings.split.seed)


def _sets_by_time(train: Loaded, groups: NDArray[np.int64], shares: tuple[float, float]) -> NDArray[np.int64]:
    """Split by time; rows that belong to a later set's row are dropped, or the future would be known in training."""
    readable = np.array([bool(time) for time in train.corpus.time or ()], dtype=bool)
    if readable.sum() < FEWEST_ROWS:
        raise DataError(
            f"{shown(train.source)} has {int(readable.sum())} rows with a time that can be read.",
            "Write times as 2026-01-31 or 2026-01-31T09:30, or as seconds since 1970; or set data.split.by to label.",
        )
    train.drop(Remark("no readable time", "没有可识别的时间"), readable)
    groups = groups[readable]
    sets = assign_by_time([seconds(time) for time in train.corpus.time or ()], shares)
    names, unit_of = np.unique(groups, return_inverse=True)
    last = np.full(len(names), TRAIN)
    np.maximum.at(last, unit_of, sets)
    torn = sets < last[unit_of]
    in_later = Remark(
        "group or nearly the same text stands in a later set", "所属分组或近似文本已出现在时间更晚的集合中"
    )
    train.drop(in_later, ~torn)
    return sets[~torn]
