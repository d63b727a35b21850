"""A first look at a table: which column holds the texts, and which the labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from feilun.core.errors import DataError, UsageError, meant
from feilun.core.remark import Remark, said_in
from feilun.data.paths import no_column, shown
from feilun.data.readers.sources import open_rows
from feilun.text.language import script_shares
from feilun.workflow.getting_started.columns import Column, column_of, guess_features, guess_text
from feilun.workflow.getting_started.first_words import listed
from feilun.workflow.getting_started.table_shape import Shape, guess_task, shape_of

if TYPE_CHECKING:
    from polars import DataFrame

LOOKED_AT = 5000
"""Rows of a table that a first look reads."""

ALL = "all"
TEXTS_ALONE = ("tag", "generate")
"""Tasks that read no columns beside the texts."""


@dataclass(frozen=True)
class FirstLook:
    """What a sample of a table says.

    Args:
        source: The table.
        rows: Rows looked at.
        columns: All its columns.
        text: The column that holds the texts; empty where no column looks like that, and others can be read instead.
        target: The column that holds the labels, or None where no column looks like that.
        labels: Distinct labels among the rows looked at.
        scripts: Share of each script in the texts.
        features: The columns that are read beside the text, or instead of it.
        beside: Further columns that can be read beside it.
        left_out: Columns that had better not be read, each with the reason.
        task: What the columns are for.
        pair: The column of a second text, where the task reads two.
        group: The column that tells the lists of `rank` apart.
        texts: The texts of the rows looked at.
        answers: What is to be written for each, where the task writes.
    """

    source: str
    rows: int
    columns: tuple[Column, ...]
    text: str
    target: str | None
    labels: int = 0
    scripts: Mapping[str, float] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    left_out: Mapping[str, Remark] = field(default_factory=dict)
    task: str = "classify"
    pair: str | None = None
    group: str | None = None
    texts: Sequence[str] = ()
    answers: Sequence[str] = ()

    @property
    def trainable(self) -> bool:
        """Return whether a model can learn from it: it has labels, or pairs that belong together."""
        return self.target is not None or self.task == "match"


def look(
    source: str,
    text: str | None = None,
    target: str | None = None,
    query: str | None = None,
    features: Sequence[str] = (),
    *,
    task: str | None = "classify",
    pair: str | None = None,
) -> FirstLook:
    """Look at the first rows of a table and find the columns of texts and of labels.

    Args:
        source: A path or database URL.
        text: The column of texts, where the user knows it; empty where there is none.
        target: The column of labels, where the user knows it.
        query: The SQL query of a database.
        features: Columns to read beside the text; `all` for every one that can be.
        task: What the model is to do; None for what the table is plainly made for.
        pair: The column of a second text, where the user knows it.

    Returns:
        What was found.

    Raises:
        DataError: If the table has no rows, or lacks the columns that the task reads.
        UsageError: If a named column does not exist.
    """
    frame = _sample(source, query)
    _refuse_wrong_names(source, frame, [name for name in (text, target, pair, *features) if name and name != ALL])
    columns = tuple(column_of(frame, name) for name in frame.columns)
    task = task or guess_task(frame, columns, target)
    known = Shape(text or "", pair, target)
    shape = shape_of(task, frame, columns, known, text_is_named=text is not None, source=source)
    fit, left_out = guess_features(frame, shape.taken)
    read = fit if ALL in features or (not shape.text and not features) else tuple(features)
    if not shape.text and (not read or shape.target is None):
        raise DataError(
            Remark(
                f"No column of {shown(source)} looks like text: {listed(frame.columns)}.",
                f"{shown(source)} 里没有看起来像文本的列：{said_in('zh', listed(frame.columns))}。",
            ),
            Remark(
                "Name it with --text; or, to learn from the other columns, name what is to be predicted with --target.",
                "请用 --text 指明；若要从其他列学习，请用 --target 指明要预测什么。",
            ),
        )
    texts = _cells(frame, shape.text)
    return FirstLook(
        source,
        frame.height,
        columns,
        shape.text,
        shape.target,
        labels=next((column.distinct for column in columns if column.name == shape.target), 0),
        scripts=script_shares(texts),
        features=read,
        beside=() if read or task in TEXTS_ALONE else fit,
        left_out=left_out if read or ALL in features else {},
        task=task,
        pair=shape.pair,
        group=shape.group,
        texts=texts,
        answers=_cells(frame, shape.target or "") if task == "generate" else (),
    )


def text_column(source: str, query: str | None = None) -> str:
    """Return the column of a table that most looks like texts.

    Raises:
        DataError: If none does, or the table has no rows.
    """
    frame = _sample(source, query)
    found = guess_text([column_of(frame, name) for name in frame.columns])
    if found is None:
        raise DataError(
            Remark(
                f"No column of {shown(source)} looks like text: {listed(frame.columns)}.",
                f"{shown(source)} 里没有看起来像文本的列：{said_in('zh', listed(frame.columns))}。",
            ),
            Remark("Name it with --text.", "请用 --text 指明。"),
        )
    return found


def _sample(source: str, query: str | None) -> DataFrame:
    """Read rows of the beginning of a table, evenly spread.

    Raises:
        DataError: If it has none.
    """
    frame = next(islice(open_rows(source, query=query), 1), None)
    if frame is None or frame.is_empty():
        raise DataError(
            Remark(f"{shown(source)} has no rows.", f"{shown(source)} 里没有行。"),
            Remark("Give a file with a header and at least some rows.", "请给出一个有表头、至少有几行的文件。"),
        )
    return frame.gather_every(math.ceil(frame.height / LOOKED_AT))  # a file may be sorted by label


def _refuse_wrong_names(source: str, frame: DataFrame, names: Sequence[str]) -> None:
    for name in names:
        if name not in frame.columns:
            raise UsageError(no_column(source, name, frame.columns), meant(name, frame.columns))
        if names.count(name) > 1:
            raise UsageError(
                Remark(f"The column {name!r} is named for two uses.", f"列 {name!r} 被指定了两种用途。"),
                Remark("Name another column for one of them.", "请为其中一种另指定一列。"),
            )


def _cells(frame: DataFrame, column: str) -> list[str]:
    """Return the filled cells of a column, or none where it has no name."""
    return [str(value) for value in frame[column].to_list() if value is not None] if column else []
