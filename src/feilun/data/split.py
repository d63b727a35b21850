"""Rows divided into train, validation and test, so that nothing that belongs together is torn apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feilun.core.remark import Remark
from feilun.core.settings import setting

TRAIN, VALIDATION, TEST = 0, 1, 2
SET_NAMES = ("train", "validation", "test")
SET_NAMES_ZH = {"train": "训练", "validation": "验证", "test": "测试"}

FEWEST_TO_SPLIT, FEWEST_TO_VALIDATE = 3, 5
"""Rows from which on a label stands in test, and in validation too; fewer all stay in train."""


@dataclass(frozen=True)
class SplitSettings:
    """The table `[data.split]`."""

    validation: float = setting(
        0.1,
        Remark("share of rows to choose by, where no validation file is given", "没有验证集文件时，划作验证集的比例"),
        above=0,
        below=0.9,
    )
    test: float = setting(
        0.1,
        Remark("share of rows for the report, where no test file is given", "没有测试集文件时，划作测试集的比例"),
        above=0,
        below=0.9,
    )
    by: Literal["label", "group", "time", "random"] = setting(
        "label",
        Remark(
            "label: same label shares in all sets; group: whole groups at random; time: the latest rows are the test",
            "label：各集合的标签比例相同；group：整组随机划分；time：最晚的行作测试集",
        ),
    )
    leakage: Literal["drop", "keep"] = setting(
        "drop",
        Remark(
            "training rows whose text nearly stands in given validation or test files: drop them, or only count them",
            "训练行的文本与给定的验证集或测试集文件几乎相同时：去掉，或只计数",
        ),
    )
    seed: int = setting(13, Remark("seed of the random choice of rows", "随机划分的种子"), minimum=0)

    def contradictions(self) -> list[str]:
        """Say which settings exclude each other."""
        if self.validation + self.test >= 1:
            return [
                Remark(
                    "data.split.validation and data.split.test leave no rows to train on: together they must be below "
                    "1.",
                    "data.split.validation 与 data.split.test 没有给训练留下行：两者之和须小于 1。",
                )
            ]
        return []


def assign(
    units: NDArray[np.int64], labels: NDArray[np.int64] | None, shares: tuple[float, float], seed: int
) -> NDArray[np.int64]:
    """Assign rows to sets at random; rows of one unit stay together.

    Args:
        units: Unit of each row (near duplicates, groups), shape (rows,).
        labels: Class index of each row, shape (rows,), where each label is to have the same shares in all sets.
        shares: Share of rows for validation and for test.
        seed: Seeds the choice; equal rows and an equal seed give equal sets.

    Returns:
        TRAIN, VALIDATION or TEST for each row, shape (rows,).
    """
    strata = np.zeros(len(units), dtype=np.int64) if labels is None else labels
    names, unit_of = np.unique(units, return_inverse=True)
    sizes = np.bincount(unit_of, minlength=len(names))
    stratum_of_unit = _majority(unit_of, strata, len(names))
    unit_set = np.full(len(names), TRAIN)
    order = np.random.default_rng(seed).permutation(len(names))
    for stratum in np.unique(stratum_of_unit):
        own = order[stratum_of_unit[order] == stratum]
        wanted = _wanted(int(sizes[own].sum()), shares, each=labels is not None)
        _fill(own, sizes, wanted, unit_set)
    _top_up(order, sizes, stratum_of_unit, shares, unit_set)
    return unit_set[unit_of]


def assign_by_time(times: Sequence[float], shares: tuple[float, float]) -> NDArray[np.int64]:
    """Assign the earliest rows to train, the next to validation, the latest to test; equal times stay together.

    Args:
        times: When each row happened, on any scale, shape (rows,).
        shares: Share of rows for validation and for test.

    Returns:
        TRAIN, VALIDATION or TEST for each row, shape (rows,).
    """
    values = np.asarray(times, dtype=np.float64)
    ordered = np.sort(values)
    rows = len(values)
    result = np.full(rows, TRAIN)
    for name, share in ((VALIDATION, shares[0] + shares[1]), (TEST, shares[1])):
        start = rows - round(share * rows)
        if start < rows and share > 0:
            result[values >= ordered[start]] = name
    return result


def _wanted(rows: int, shares: tuple[float, float], *, each: bool) -> tuple[int, int]:
    """Return how many rows of a stratum go to validation and test: at least one where there are enough."""
    fewest = (FEWEST_TO_VALIDATE, FEWEST_TO_SPLIT) if each else (0, 0)
    validation, test = (
        max(1, round(share * rows)) if share > 0 and rows >= least else 0
        for share, least in zip(shares, fewest, strict=True)
    )
    return validation, test


def _fill(
    units: NDArray[np.int64], sizes: NDArray[np.int64], wanted: tuple[int, int], unit_set: NDArray[np.int64]
) -> None:
    """Give units in their order to test, then to validation, while they fit; the last unit always stays in train."""
    missing = {TEST: wanted[1], VALIDATION: wanted[0]}
    left = len(units)
    for unit in units.tolist():
        if left == 1:
            break
        for name in (TEST, VALIDATION):
            if 0 < sizes[unit] <= missing[name]:
                unit_set[unit] = name
                missing[name] -= int(sizes[unit])
                left -= 1
                break


def _top_up(
    order: NDArray[np.int64],
    sizes: NDArray[np.int64],
    strata: NDArray[np.int64],
    shares: tuple[float, float],
    unit_set: NDArray[np.int64],
) -> None:
    """Fill a set that came to less than half its share, as where all labels are rare, without emptying a label."""
    for name, share in ((TEST, shares[1]), (VALIDATION, shares[0])):
        wanted = round(share * sizes.sum())
        missing = wanted - int(sizes[unit_set == name].sum())
        if 2 * missing <= wanted:
            continue
        left = np.bincount(strata[unit_set == TRAIN], minlength=int(strata.max()) + 1)
        for unit in order[unit_set[order] == TRAIN].tolist():
            if sizes[unit] <= missing and left[strata[unit]] > 1:
                unit_set[unit] = name
                missing -= int(sizes[unit])
                left[strata[unit]] -= 1


def _majority(unit_of: NDArray[np.int64], strata: NDArray[np.int64], units: int) -> NDArray[np.int64]:
    """Return the commonest stratum of each unit, shape (units,); of equals the lowest."""
    pairs, counts = np.unique(np.stack([unit_of, strata]), axis=1, return_counts=True)
    result = np.zeros(units, dtype=np.int64)
    order = np.lexsort((-pairs[1], counts))  # later entries overwrite earlier ones
    result[pairs[0][order]] = pairs[1][order]
    return result
