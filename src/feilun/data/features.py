"""The columns that a model reads beside the text: their kinds found, their statistics taken from the training rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.errors import DataError
from feilun.core.features import (
    INFINITE,
    NO_NUMBER,
    CategoryColumn,
    FeatureColumns,
    NumberColumn,
    category_of,
    number_of,
)
from feilun.core.remark import Remark
from feilun.core.splits import Splits
from feilun.data.feature_checks import check_identity, telling_columns
from feilun.data.settings import DataSettings

FEWEST_ROWS = 3
"""Rows from which on a category gets a place of its own; rarer ones teach what it is not to have been seen."""

MOST_CATEGORIES = 200
MOSTLY = 0.9
"""Share of numbers from which on a column that also holds text is one of numbers with faults."""

NAMED = 5
SETS = Remark("training", "训练集"), Remark("validation", "验证集"), Remark("test", "测试集")


@dataclass(frozen=True)
class LearnedFeatures:
    """What training rows tell of their features.

    Args:
        columns: Turns them into numbers; None where the model reads none as such.
        table: A row a column for the data report: name, kind, missing, distinct and what it holds.
        notes: Warnings, finished sentences.
    """

    columns: FeatureColumns | None = None
    table: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()


NO_FEATURES = LearnedFeatures()


def learn_features(splits: Splits, settings: DataSettings, task: str) -> LearnedFeatures:
    """Find the kinds of the columns and take their statistics from the training rows.

    Args:
        splits: The rows.
        settings: Names the columns.
        task: What the model is to do, which says how targets are compared.

    Returns:
        The columns; those that are the same in every row are left out, with a warning.

    Raises:
        DataError: If a column is an id, or holds faults, or none is left.
    """
    if settings.verbalise:
        return NO_FEATURES
    train, kept, table = splits.train, [], []
    notes: list[str] = []
    for name in settings.features:
        column = learn_column(name, train.features[name], as_codes=name in settings.categories)
        table.append(_row(column, train.features[name]))
        if table[-1]["distinct"] < 2 and table[-1]["missing"] in {0, len(train)}:
            notes.append(
                Remark(
                    f"The column {name!r} is the same in every training row: it is left out.",
                    f"列 {name!r} 在所有训练行中都相同，已略去。",
                )
            )
            continue
        _check_cells(column, splits)
        notes += check_identity(column, train.features[name], len(train))
        kept.append(column)
    if not kept:
        raise DataError(
            Remark(
                "Every column of data.features is the same in all training rows: there is nothing to read.",
                "data.features 的每一列在所有训练行中都相同：没有可读的内容。",
            ),
            Remark("Name columns that differ from row to row.", "请填写各行取值不同的列。"),
        )
    notes += telling_columns(kept, train, task)
    notes += [_rare(column, train) for column in kept if isinstance(column, CategoryColumn) and _is_rare(column, train)]
    return LearnedFeatures(FeatureColumns(tuple(kept)), tuple(table), tuple(notes))


def learn_column(name: str, values: Sequence[Any], *, as_codes: bool = False) -> NumberColumn | CategoryColumn:
    """Find a column's kind and its statistics.

    Args:
        name: The column.
        values: Its cells in the training rows.
        as_codes: Whether its numbers are codes.

    Returns:
        Numbers where all cells that are filled are numbers, unless they are codes such as 007; else categories, the
        commonest of them where there are many.

    Raises:
        DataError: If nearly all cells are numbers, and some are not.
    """
    if not as_codes and _holds_numbers(name, values):
        finite = [number_of(value) for value in values if _fault(value) is None]
        known = np.array([found for found in finite if found is not None])
        low, middle, high = np.quantile(known, [0.25, 0.5, 0.75]) if len(known) else (0.0, 0.0, 0.0)
        scale = high - low or (known.max() - known.min() if len(known) else 0.0) or 1.0
        return NumberColumn(name, float(middle), float(scale))
    counts = Counter(cell for cell in map(category_of, values) if cell is not None)
    common = [cell for cell, rows in counts.most_common(MOST_CATEGORIES) if rows >= FEWEST_ROWS]
    return CategoryColumn(name, tuple(sorted(common)))


def _holds_numbers(name: str, values: Sequence[Any]) -> bool:
    if any(isinstance(value, str) and len(value) > 1 and value[0] == "0" and value[1].isdigit() for value in values):
        return False  # codes such as 007
    faults = [_fault(value) for value in values]
    wrong = [value for value, fault in zip(values, faults, strict=True) if fault == NO_NUMBER]
    numbers = sum(fault is None and number_of(value) is not None for value, fault in zip(values, faults, strict=True))
    numbers += faults.count(INFINITE)
    filled = numbers + len(wrong)
    if not wrong or numbers < MOSTLY * filled:
        return numbers > 0 and not wrong
    shown = ", ".join(repr(str(cell)[:30]) for cell in dict.fromkeys(wrong[:NAMED]))
    raise DataError(
        Remark(
            f"The column {name!r} of data.features holds numbers, but for {len(wrong):,} of {filled:,} cells "
            f"({shown}).",
            f"data.features 的列 {name!r} 是数值列，但 {filled:,} 个单元格中有 {len(wrong):,} 个不是数字（{shown}）。",
        ),
        Remark(
            f"Correct or empty these cells; where the numbers are codes: --set data.categories={name}.",
            f"请改正或清空这些单元格；若这些数字是代码：--set data.categories={name}。",
        ),
    )


def _fault(cell: Any) -> Remark | None:
    try:
        number_of(cell)
    except ValueError as error:
        return INFINITE if str(error) == "infinite" else NO_NUMBER
    return None


def _check_cells(column: NumberColumn | CategoryColumn, splits: Splits) -> None:
    """Refuse cells of any set that are no finite numbers where numbers belong."""
    if isinstance(column, CategoryColumn):
        return
    for place, corpus in zip(SETS, (splits.train, splits.validation, splits.test), strict=True):
        faults = [(row, fault) for row, cell in enumerate(corpus.features[column.name]) if (fault := _fault(cell))]
        if faults:
            row, fault = faults[0]
            cell = repr(str(corpus.features[column.name][row])[:30])
            raise DataError(
                Remark(
                    f"{len(faults):,} {place} rows have no finite number in the column {column.name!r}: "
                    f"{cell} in row {corpus.id[row]} {fault}.",
                    f"{place.chinese}有 {len(faults):,} 行在列 {column.name!r} 中不是有限的数字："
                    f"第 {corpus.id[row]} 行的 {cell} {fault.chinese}。",
                ),
                Remark(
                    "Correct these cells, or leave them empty: that a number is not known, the model can learn from.",
                    "请改正这些单元格，或留空：模型能够从“数值未知”中学习。",
                ),
            )


def _row(column: NumberColumn | CategoryColumn, values: Sequence[Any]) -> dict[str, Any]:
    """Return what the data report says of a column."""
    cells = (
        [number_of(value) for value in values if _fault(value) is None]
        if isinstance(column, NumberColumn)
        else list(map(category_of, values))
    )
    known = [cell for cell in cells if cell is not None]
    facts: dict[str, Any] = {"name": column.name, "kind": column.kind, "missing": len(values) - len(known)}
    facts["distinct"] = len(set(known))
    if isinstance(column, NumberColumn):
        numbers: NDArray[np.float64] = np.array(known or [0.0], dtype=np.float64)
        return facts | {"minimum": float(numbers.min()), "median": column.centre, "maximum": float(numbers.max())}
    return facts | {"commonest": dict(Counter(known).most_common(3))}


def _is_rare(column: CategoryColumn, train: Corpus) -> bool:
    return _rare_rows(column, train) > 0.2 * len(train)


def _rare_rows(column: CategoryColumn, train: Corpus) -> int:
    return int((column.numbers(train.features[column.name]) == len(column.categories) + 1).sum())


def _rare(column: CategoryColumn, train: Corpus) -> Remark:
    rows = _rare_rows(column, train)
    return Remark(
        f"The column {column.name!r} has categories of fewer than {FEWEST_ROWS} training rows in {rows:,} of "
        f"{len(train):,} rows, which the model cannot tell apart: a column of words is better read as text.",
        f"列 {column.name!r} 在 {len(train):,} 行中有 {rows:,} 行属于不足 {FEWEST_ROWS} 行训练数据的类别，"
        "模型无法区分：整列是文字的，当作文本来读更好。",
    )
