"""A first look at a table: which column holds the texts, and which the labels."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from feilun.core.errors import DataError, UsageError, nearest
from feilun.core.files import write_text
from feilun.data.sources import open_rows
from feilun.evaluation.judges.table import JUDGES
from feilun.models.bases.blank import NAME as NO_BASE
from feilun.text.language import script_shares
from feilun.workflow.columns import Column, column_of, guess_codes, guess_features, guess_target, guess_text
from feilun.workflow.toml_text import to_toml

LOOKED_AT = 5000
ALL_LATIN = 0.98
NAMES_THAT_SAY_NOTHING = {"train", "training", "data", "dataset", "all"}
ALL = "all"

RECIPE = """\
# {rows:,} rows looked at: {labels} labels in {target!r}.
# Every key left out has a default (docs/recipe.md), and any key can be given as --set key=value.
{table}{epochs}
# A release that misses one of these is refused:
# [gate]
# {metric} = 0.80
"""
EPOCHS = """
# [training]
# epochs = 6
"""

WITHOUT_TEXT = {
    "epochs": 40, "batch_rows": 32, "head_learning_rate": 3e-3,
    "early_stopping": {"metric": "log_loss", "patience": 30},
}  # fmt: skip
"""What trains well where columns are all there is (docs/features.md); the metric is that of `classify`."""


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


def look(
    source: str,
    text: str | None = None,
    target: str | None = None,
    query: str | None = None,
    features: Sequence[str] = (),
) -> FirstLook:
    """Look at the first rows of a table and find the columns of texts and of labels.

    Args:
        source: A path or database URL.
        text: The column of texts, where the user knows it; empty where there is none.
        target: The column of labels, where the user knows it.
        query: The SQL query of a database.
        features: Columns to read beside the text; `all` for every one that can be.

    Returns:
        What was found.

    Raises:
        DataError: If the table has no rows, or no column of texts and no labels for other columns either.
        UsageError: If a named column does not exist.
    """
    frame = next(islice(open_rows(source, query=query), 1), None)
    if frame is None or frame.is_empty():
        raise DataError(f"{source} has no rows.", "Give a file with a header and at least some rows.")
    frame = frame.head(LOOKED_AT)
    named = [name for name in (text, target, *features) if name and name != ALL]
    for name in named:
        if name not in frame.columns:
            raise UsageError(f"{source} has no column {name!r}. {nearest(name, frame.columns)}")
    columns = tuple(column_of(frame, name) for name in frame.columns)
    found = text if text is not None else guess_text([column for column in columns if column.name not in named]) or ""
    target = target or guess_target([column for column in columns if column.name != found], frame.height)
    fit, left_out = guess_features(frame, [found, target or ""])
    read = fit if ALL in features or (not found and not features) else tuple(features)
    if not found and (not read or target is None):
        raise DataError(
            f"No column of {source} looks like text: {', '.join(frame.columns)}.",
            "Name it with --text; where other columns are to be learnt from, name the labels with --target.",
        )
    return FirstLook(
        source,
        frame.height,
        columns,
        found,
        target,
        labels=next((column.distinct for column in columns if column.name == target), 0),
        scripts=script_shares([str(value) for value in frame[found].to_list() if value is not None] if found else []),
        features=read,
        beside=() if read else fit,
        left_out=left_out if read else {},
    )


def write_recipe(
    path: Path,
    name: str,
    found: FirstLook,
    base: str | None = None,
    query: str | None = None,
    task: str = "classify",
    parts: Mapping[str, str] | None = None,
) -> str:
    """Write a recipe for a table that was looked at.

    Args:
        path: The recipe's file; tables are named relative to its folder where that is possible.
        name: Name of the bundle.
        found: What the look found; its target must be known.
        base: The base model; else the one that fits the texts' language, or none where there are no texts.
        query: The SQL query of a database.
        task: What the model is to do.
        parts: Further tables: of `validation` and `test`.

    Returns:
        The name of the base.
    """
    base = base or (base_for(found.scripts) if found.text else NO_BASE)
    folder = path.absolute().parent
    tables = {part: _as_seen_from(folder, source) for part, source in {"train": found.source, **(parts or {})}.items()}
    data: dict[str, Any] = {**tables, **({"query": query} if query else {}), "text": found.text, "target": found.target}
    if found.features:
        data["features"] = list(found.features)
    if not found.text and base != NO_BASE:
        data["verbalise"] = True  # the base reads the columns as text
    if codes := guess_codes(found.columns, found.features):
        data["categories"] = list(codes)
    table: dict[str, Any] = {"name": name, "task": task, "data": data, "model": {"base": base}}
    if base == NO_BASE:
        training = dict(WITHOUT_TEXT)
        if task != "classify":
            del training["early_stopping"]
        table["training"] = training
    written = RECIPE.format(
        rows=found.rows,
        labels=found.labels,
        target=found.target,
        table=to_toml(table),
        epochs="" if base == NO_BASE else EPOCHS,
        metric=JUDGES[task].metrics[0],
    )
    write_text(path, written)
    return base


def base_for(scripts: Mapping[str, float]) -> str:
    """Return the packaged base for the scripts of a text: the English one only where all of it is Latin script."""
    return "minilm-l6-en" if scripts.get("latin", 0.0) > ALL_LATIN else "multilingual-e5-small"


def of_columns(found: FirstLook) -> list[str]:
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


def without_labels(found: FirstLook) -> str:
    """Say what can be done with a table in which no column looks like labels."""
    others = ", ".join(column.name for column in found.columns if column.name != found.text) or "no other column"
    return (
        f"No column of {found.source} looks like labels (texts in {found.text!r}; besides: {others}). "
        "Training needs a label for each text: 50 to 100 texts a label make a start. "
        f"Without labels: feilun insight {found.source} --text {found.text} finds topics, trends and outliers; "
        f"feilun label suggest {found.source} picks the texts to label first; and a bundle that is trained already "
        f"answers them: feilun predict BUNDLE --file {found.source} --text {found.text}."
    )


def name_of(source: str) -> str:
    """Return a bundle's name for a table: its file name without ending, or its folder's where that says nothing."""
    stem = "database" if "://" in source else Path(source).stem
    if stem.lower() in NAMES_THAT_SAY_NOTHING:
        stem = Path(source).absolute().parent.name
    return re.sub(r"[^\w]+", "-", stem).strip("-_") or "model"


def _as_seen_from(folder: Path, source: str) -> str:
    """Return a path relative to the folder where the two are near, so that they can be moved together; URLs stay."""
    if "://" in source:
        return source
    table = Path(source)
    relative = Path(os.path.relpath(table, folder))
    return (table.absolute() if relative.parts[:2] == ("..", "..") else relative).as_posix()
