"""Train, validation and test of a recipe: the files that are given, and what is split off for those that are not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.errors import DataError
from feilun.core.remark import Remark, joined, said_in
from feilun.data import duplicates
from feilun.data.loading import Loaded, take
from feilun.data.paths import shown
from feilun.data.settings import DataSettings
from feilun.data.shared_texts import by_shared_texts
from feilun.data.split import SET_NAMES, SET_NAMES_ZH, TEST, TRAIN, VALIDATION, assign, assign_by_time
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
            Remark(
                f"{shown(train.source)} has {len(train.corpus)} rows to use: too few to train on some and judge by "
                "others.",
                f"{shown(train.source)} 可用的只有 {len(train.corpus)} 行：太少，无法一部分训练、一部分评估。",
            ),
            Remark(
                f"Give at least {FEWEST_ROWS} rows (50 and more of each label make a start).",
                f"请至少给出 {FEWEST_ROWS} 行（每个标签有 50 行以上才好开始）。",
            ),
        )
    groups = _kin(train.corpus, groups, pairs=kind.pairs and split.by != "time")
    sets = (
        _sets_by_time(train, groups, shares)
        if split.by == "time"
        else _sets_at_random(train, settings, groups, shares, kind)
    )
    parts = [take(train.corpus, np.flatnonzero(sets == number)) for number in (TRAIN, VALIDATION, TEST)]
    for number, part in enumerate(parts):
        if not len(part) and number not in given:
            raise _empty_set(SET_NAMES[number], train, len(sets), split.by)
    return parts[TRAIN], given.get(VALIDATION, parts[VALIDATION]), given.get(TEST, parts[TEST])


def _empty_set(name: str, train: Loaded, rows: int, by: str) -> DataError:
    dropped = joined([Remark(f"{n:,}: {r}", f"{n:,} 行：{said_in('zh', r)}") for r, n in train.dropped.items()])
    return DataError(
        Remark(
            f"No row is left for the {name} set when {rows:,} of {train.rows:,} rows are split "
            f"by {by}{f' (dropped {dropped})' if dropped else ''}.",
            f"{train.rows:,} 行中的 {rows:,} 行按 {by} 切分后，{SET_NAMES_ZH[name]}集一行也没有"
            f"{f'（丢弃 {dropped.chinese}）' if dropped else ''}。",
        ),
        Remark(
            f"Give a file for it (data.{name}), more rows, or another data.split.by.",
            f"请为它给出文件（data.{name}）、更多的行，或另选 data.split.by。",
        ),
    )


def _kin(corpus: Corpus, near: NDArray[np.int64], *, pairs: bool) -> NDArray[np.int64]:
    """Number what must stand in one set, shape (rows,): near duplicates, rows of one group, pairs that share a text."""
    if corpus.group is not None:
        near = duplicates.joined(near, duplicates.named_groups(corpus.group))
    return duplicates.joined(near, by_shared_texts(corpus)) if pairs else near


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
            Remark(
                f"{shown(train.source)} has {int(readable.sum())} rows with a time that can be read.",
                f"{shown(train.source)} 只有 {int(readable.sum())} 行的时间可以识别。",
            ),
            Remark(
                "Write times as 2026-01-31 or 2026-01-31T09:30, or as seconds since 1970; or set data.split.by to "
                "label.",
                "时间请写成 2026-01-31、2026-01-31T09:30 或 1970 年以来的秒数；或把 data.split.by 设为 label。",
            ),
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
