"""A first look at a table: which column holds the texts, and which the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from feilun.core.errors import DataError, UsageError, nearest
from feilun.data.readers.sources import open_rows
from feilun.text.language import script_shares
from feilun.workflow.getting_started.columns import Column, column_of, guess_features
from feilun.workflow.getting_started.table_shape import PAIRED, Shape, guess_task, shape_of

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
    left_out: Mapping[str, str] = field(default_factory=dict)
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
    _refuse_unknown(source, frame, [name for name in (text, target, pair, *features) if name and name != ALL])
    task = task or guess_task(frame)
    columns = tuple(column_of(frame, name) for name in frame.columns)
    known = Shape(text or "", pair, target)
    shape = shape_of(task, frame, columns, known, text_is_named=text is not None, source=source)
    fit, left_out = guess_features(frame, shape.taken)
    read = fit if ALL in features or (not shape.text and not features) else tuple(features)
    if not shape.text and (not read or shape.target is None):
        raise DataError(
            f"No column of {source} looks like text: {', '.join(frame.columns)}.",
            "Name it with --text; where other columns are to be learnt from, name the labels with --target.",
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
        left_out=left_out if read else {},
        task=task,
        pair=shape.pair,
        group=shape.group,
        texts=texts,
        answers=_cells(frame, shape.target or "") if task == "generate" else (),
    )


def describe_columns(found: FirstLook) -> list[str]:
    """Say which columns are read as features, which are not and why, and which could be: finished sentences."""
    lines = []
    if found.features:
        lines.append(f"Read as features: {', '.join(found.features)}.")
    for reason in dict.fromkeys(found.left_out.values()):
        names = ", ".join(name for name, own in found.left_out.items() if own == reason)
        lines.append(f"Left out: {names} ({reason}).")
    if found.beside:
        lines.append(f"--features all would read beside the text: {', '.join(found.beside)}.")
    return lines


def describe_texts(found: FirstLook) -> str:
    """Say in a few words which columns hold the texts, and which what is to be predicted."""
    texts = f"texts in {found.text!r}" if found.text else "no texts"
    if found.pair:
        texts += f" and {found.pair!r}"
    if found.group:
        texts += f", lists told apart by {found.group!r}"
    wanted = {"generate": "what is to be written", "tag": "spans", "rank": "relevance", "regress": "numbers"}
    if found.target is None:
        return f"{texts}, each row a pair that belongs together"
    return f"{texts}, {wanted.get(found.task) or f'{found.labels} labels'} in {found.target!r}"


def advice_without_labels(found: FirstLook) -> str:
    """Say what can be done with a table in which no column looks like labels."""
    if found.task in PAIRED:
        return (
            f"No column of {found.source} looks like the relevance of {found.pair!r} for {found.text!r}: "
            "0 where it is not relevant, 1 or more where it is."
        )
    others = ", ".join(column.name for column in found.columns if column.name != found.text) or "no other column"
    return (
        f"No column of {found.source} looks like labels (texts in {found.text!r}; besides: {others}). "
        "Training needs a label for each text: 50 to 100 texts a label make a start. "
        f"Without labels: feilun insight {found.source} --text {found.text} finds topics, trends and outliers; "
        f"feilun label suggest {found.source} picks the texts to label first; and a bundle that is trained already "
        f"answers them: feilun predict BUNDLE --file {found.source} --text {found.text}."
    )


def _sample(source: str, query: str | None) -> DataFrame:
    """Read the first rows of a table.

    Raises:
        DataError: If it has none.
    """
    frame = next(islice(open_rows(source, query=query), 1), None)
    if frame is None or frame.is_empty():
        raise DataError(f"{source} has no rows.", "Give a file with a header and at least some rows.")
    return frame.head(LOOKED_AT)


def _refuse_unknown(source: str, frame: DataFrame, names: Sequence[str]) -> None:
    for name in names:
        if name not in frame.columns:
            raise UsageError(f"{source} has no column {name!r}. {nearest(name, frame.columns)}")


def _cells(frame: DataFrame, column: str) -> list[str]:
    """Return the filled cells of a column, or none where it has no name."""
    return [str(value) for value in frame[column].to_list() if value is not None] if column else []
