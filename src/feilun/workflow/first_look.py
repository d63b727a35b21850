"""A first look at a table: which column holds the texts, and which the labels."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from feilun.core.errors import DataError, UsageError, nearest
from feilun.core.files import write_text
from feilun.data.sources import open_rows
from feilun.evaluation.judges.table import JUDGES
from feilun.text.language import script_shares
from feilun.workflow.toml_text import to_toml

if TYPE_CHECKING:
    from polars import DataFrame

LOOKED_AT = 5000
MOST_LABELS = 300
ALL_LATIN = 0.98
NAMES_THAT_SAY_NOTHING = {"train", "training", "data", "dataset", "all"}

TEXT_NAMES = ("text", "content", "sentence", "review", "comment", "body", "message", "query", "question", "title",
              "description", "文本", "内容", "评论", "评价", "正文", "句子", "问题", "标题", "描述")  # fmt: skip
TARGET_NAMES = ("label", "target", "class", "category", "sentiment", "intent", "tag", "topic", "rating", "polarity",
                "标签", "类别", "分类", "情感", "意图", "主题", "类型", "倾向")  # fmt: skip


RECIPE = """\
# {rows:,} rows looked at: {labels} labels in {target!r}.
# Every key left out has a default (docs/recipe.md), and any key can be given as --set key=value.
{table}
# [training]
# epochs = 6

# A release that misses one of these is refused:
# [gate]
# {metric} = 0.80
"""


@dataclass(frozen=True)
class Column:
    """What a sample says of one column.

    Args:
        name: Its name.
        filled: Share of rows with a value.
        distinct: Number of different values.
        length: Mean characters of a value.
    """

    name: str
    filled: float
    distinct: int
    length: float


@dataclass(frozen=True)
class FirstLook:
    """What a sample of a table says.

    Args:
        source: The table.
        rows: Rows looked at.
        columns: All its columns.
        text: The column that holds the texts.
        target: The column that holds the labels, or None where no column looks like that.
        labels: Distinct labels among the rows looked at.
        scripts: Share of each script in the texts.
    """

    source: str
    rows: int
    columns: tuple[Column, ...]
    text: str
    target: str | None
    labels: int = 0
    scripts: Mapping[str, float] = field(default_factory=dict)


def look(source: str, text: str | None = None, target: str | None = None, query: str | None = None) -> FirstLook:
    """Look at the first rows of a table and find the columns of texts and of labels.

    Args:
        source: A path or database URL.
        text: The column of texts, where the user knows it.
        target: The column of labels, where the user knows it.
        query: The SQL query of a database.

    Returns:
        What was found.

    Raises:
        DataError: If the table has no rows or no column of texts.
        UsageError: If a named column does not exist.
    """
    frame = next(islice(open_rows(source, query=query), 1), None)
    if frame is None or frame.is_empty():
        raise DataError(f"{source} has no rows.", "Give a file with a header and at least some rows.")
    frame = frame.head(LOOKED_AT)
    for name in (text, target):
        if name is not None and name not in frame.columns:
            raise UsageError(f"{source} has no column {name!r}. {nearest(name, frame.columns)}")
    columns = tuple(_column(frame, name) for name in frame.columns)
    text = text or guess_text([column for column in columns if column.name != target])
    if text is None:
        raise DataError(f"No column of {source} looks like text: {', '.join(frame.columns)}.", "Name it with --text.")
    target = target or guess_target([column for column in columns if column.name != text], frame.height)
    labels = next((column.distinct for column in columns if column.name == target), 0)
    scripts = script_shares([str(value) for value in frame[text].to_list() if value is not None])
    return FirstLook(source, frame.height, columns, text, target, labels, scripts)


def guess_text(columns: Sequence[Column]) -> str | None:
    """Return the column that most looks like texts: long, varied values; a telling name counts as thrice the length."""
    candidates = [column for column in columns if column.distinct > 1 and column.length >= 2]
    best = max(
        candidates, key=lambda column: column.length * (3 if _named(column.name, TEXT_NAMES) else 1), default=None
    )
    return best.name if best else None


def guess_target(columns: Sequence[Column], rows: int) -> str | None:
    """Return the column that most looks like labels: few short values that repeat; a telling name goes first."""
    most = min(MOST_LABELS, max(2, rows // 3))
    candidates = [c for c in columns if 2 <= c.distinct <= most and c.length <= 40 and c.filled >= 0.5]
    named = [column for column in candidates if _named(column.name, TARGET_NAMES)]
    if named:
        return min(named, key=lambda column: TARGET_NAMES.index(_matched(column.name, TARGET_NAMES))).name
    return candidates[0].name if len(candidates) == 1 else None


def write_recipe(
    path: Path, name: str, found: FirstLook, base: str | None = None, query: str | None = None, task: str = "classify"
) -> str:
    """Write a recipe for a table that was looked at.

    Args:
        path: The recipe's file; the table is named relative to its folder where that is possible.
        name: Name of the bundle.
        found: What the look found; its target must be known.
        base: The base model; else the one that fits the texts' language.
        query: The SQL query of a database.
        task: What the model is to do.

    Returns:
        The name of the base.
    """
    base = base or base_for(found.scripts)
    source = found.source
    if "://" not in source:
        source = _as_seen_from(path.absolute().parent, Path(source))
    data = {"train": source, **({"query": query} if query else {}), "text": found.text, "target": found.target}
    table = {"name": name, "task": task, "data": data, "model": {"base": base}}
    write_text(
        path,
        RECIPE.format(
            rows=found.rows,
            labels=found.labels,
            target=found.target,
            table=to_toml(table),
            metric=JUDGES[task].metrics[0],
        ),
    )
    return base


def base_for(scripts: Mapping[str, float]) -> str:
    """Return the packaged base for the scripts of a text: the English one only where all of it is Latin script."""
    return "minilm-l6-en" if scripts.get("latin", 0.0) > ALL_LATIN else "multilingual-e5-small"


def without_labels(found: FirstLook) -> str:
    """Say what can be done with a table in which no column looks like labels."""
    others = ", ".join(column.name for column in found.columns if column.name != found.text) or "no other column"
    return (
        f"No column of {found.source} looks like labels (texts in {found.text!r}; besides: {others}). "
        "Training needs a label for each text: 50 to 100 texts a label make a start. "
        "Texts without labels can be answered by a bundle that is trained already: "
        f"feilun predict BUNDLE --file {found.source} --text {found.text}."
    )


def name_of(source: str) -> str:
    """Return a bundle's name for a table: its file name without ending, or its folder's where that says nothing."""
    stem = "database" if "://" in source else Path(source).stem
    if stem.lower() in NAMES_THAT_SAY_NOTHING:
        stem = Path(source).absolute().parent.name
    return re.sub(r"[^\w]+", "-", stem).strip("-_") or "model"


def _as_seen_from(folder: Path, table: Path) -> str:
    """Return a path relative to the folder where the two are near, so that they can be moved together."""
    relative = Path(os.path.relpath(table, folder))
    return (table.absolute() if relative.parts[:2] == ("..", "..") else relative).as_posix()


def _column(frame: DataFrame, name: str) -> Column:
    values = [str(value).strip() for value in frame[name].to_list() if value is not None and str(value).strip()]
    length = sum(map(len, values)) / max(1, len(values))
    return Column(name, len(values) / max(1, frame.height), len(set(values)), length)


def _matched(name: str, telling: Sequence[str]) -> str:
    words = {word.removesuffix("s") for word in re.findall(r"[a-z]+", name.lower())}
    return next(
        (word for word in telling if word.removesuffix("s") in words or (not word.isascii() and word in name)), ""
    )


def _named(name: str, telling: Sequence[str]) -> bool:
    return bool(_matched(name, telling))
