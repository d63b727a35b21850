"""A recipe for a table that was looked at, written out for a person to edit."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from feilun.core.files import write_text
from feilun.core.remark import Language, Remark, said_in
from feilun.models.bases.packaged import NO_BASE
from feilun.workflow.getting_started.columns import guess_codes
from feilun.workflow.getting_started.default_settings import base_for, gate_for, settings_for
from feilun.workflow.getting_started.first_look import FirstLook
from feilun.workflow.getting_started.first_words import WANTED
from feilun.workflow.settings_files.toml_text import to_toml

NAMES_THAT_SAY_NOTHING = {"train", "training", "dev", "validation", "valid", "test", "data", "dataset", "all"}

RECIPE = Remark(
    """\
# {rows:,} rows looked at{labels}.
# Every key left out has a default (docs/recipe.md), and any key can be given as --set key=value.
{table}{epochs}
# A release that misses one of these is refused:
# [gate]
# {gate}
""",
    """\
# 看了 {rows:,} 行{labels}。
# 没有写出的键都有默认值（见 docs/recipe.md），任何键都可以用 --set 键=值 给出。
{table}{epochs}
# 达不到这些指标的模型不会发布：
# [gate]
# {gate}
""",
)
"""A recipe with its comments; the keys are English."""

EPOCHS = """
# [training]
# epochs = 6
"""


def write_recipe(
    path: Path,
    name: str,
    found: FirstLook,
    base: str | None = None,
    query: str | None = None,
    parts: Mapping[str, str] | None = None,
    language: Language = "en",
) -> str:
    """Write a recipe for a table that was looked at.

    Args:
        path: The recipe's file; tables are named relative to its folder where that is possible.
        name: Name of the bundle.
        found: What the look found; a model must be able to learn from it.
        base: The base model; else the one that fits the texts' language, or none where there are no texts.
        query: The SQL query of a database.
        parts: Further tables: of `validation` and `test`.
        language: Of the comments.

    Returns:
        The name of the base.
    """
    base = base or (base_for(found.scripts, found.task) if found.text else NO_BASE)
    labelled = found.target is not None
    table: dict[str, Any] = {
        "name": name,
        "task": found.task,
        "data": _data(path.absolute().parent, found, base, query, parts or {}),
        **settings_for(found.task, base, found.texts, found.answers, found.scripts, labelled),
    }
    labels = Remark("", "")
    if labelled and found.task not in WANTED:
        labels = Remark(
            f": {found.labels} labels in {found.target!r}", f"：{found.target!r} 里有 {found.labels} 种标签"
        )
    written = said_in(language, RECIPE).format(
        rows=found.rows,
        labels=said_in(language, labels),
        table=to_toml(table),
        epochs="" if "training" in table else EPOCHS,
        gate=gate_for(found.task, labelled=labelled),
    )
    write_text(path, written)
    return base


def _data(folder: Path, found: FirstLook, base: str, query: str | None, parts: Mapping[str, str]) -> dict[str, Any]:
    """Return the table `[data]` of a recipe in a folder."""
    tables = {part: _as_seen_from(folder, source) for part, source in {"train": found.source, **parts}.items()}
    columns = {"query": query, "text": found.text, "pair": found.pair, "group": found.group}
    data: dict[str, Any] = tables | {key: name for key, name in columns.items() if name is not None}
    data["target"] = found.target if found.target is not None else []
    if found.features:
        data["features"] = list(found.features)
    if not found.text and base != NO_BASE:
        data["verbalise"] = True  # the base reads the columns as text
    if codes := guess_codes(found.columns, found.features):
        data["categories"] = list(codes)
    if found.task == "rank":
        data["clean"] = {"deduplicate": "none"}  # candidates of a list may well be alike
    return data


def name_of(source: str) -> str:
    """Return a bundle's name for a table: its file name without ending, or its folder's where that says nothing."""
    path = Path(source)
    if path.is_dir():
        stem = path.resolve().name
    else:
        stem = "database" if "://" in source else path.stem
        if stem.lower() in NAMES_THAT_SAY_NOTHING:
            stem = path.absolute().parent.name
    return re.sub(r"[^\w]+", "-", stem).strip("-_") or "model"


def _as_seen_from(folder: Path, source: str) -> str:
    """Return a path relative to the folder where the two are near, so that they can be moved together; URLs stay."""
    if "://" in source:
        return source
    table = Path(source)
    relative = Path(os.path.relpath(table, folder))
    return (table.absolute() if relative.parts[:2] == ("..", "..") else relative).as_posix()
