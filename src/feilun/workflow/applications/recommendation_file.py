"""What a recommendation application reads: its TOML file, and tables of items and events."""

from __future__ import annotations

import os
import re
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from feilun.apps.recommendation.events import Interaction, Item, read_interaction, read_item
from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.core import settings as core_settings
from feilun.core import toml
from feilun.core.errors import DataError, RecipeError, UsageError
from feilun.data.sources import open_rows
from feilun.data.tables import cell_text
from feilun.text.times import read_time, seconds
from feilun.workflow.toml_text import lines_of_keys

MOMENTS = ("time", "published")
FAULTS_SHOWN = 5

Row = TypeVar("Row")


@dataclass(frozen=True)
class Imported(Generic[Row]):
    """The rows of a table.

    Args:
        rows: Those that could be read.
        faults: What is wrong with the first of the others, each with its row number.
        left_out: How many could not be read.
    """

    rows: list[Row]
    faults: list[str]
    left_out: int


def read_application(path: Path) -> RecommendationSettings:
    """Read an application file; paths in it are relative to its folder.

    Raises:
        UsageError: If there is no such file.
        RecipeError: With every fault and its line.
    """
    if not path.is_file():
        raise UsageError(f"There is no application file {path}.", "examples/recommendation.toml is one to begin with.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
        values: dict[str, Any] = toml.parse(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError([f"no TOML in UTF-8: {error}."], str(path)) from error
    values.setdefault("name", re.sub(r"[^\w.-]+", "-", path.stem).strip("-.") or "recommendation")
    settings, faults = core_settings.read(RecommendationSettings, values)
    if settings is None:
        lines = lines_of_keys(text)
        places = [f"line {lines[fault.key]}: " if fault.key in lines else "" for fault in faults]
        raise RecipeError([place + fault.message for place, fault in zip(places, faults, strict=True)], str(path))
    folder = path.absolute().parent
    return replace(settings, **{
        name: os.path.normpath(folder / value) for name in ("items", "events")
        if (value := getattr(settings, name)) and "://" not in value
    })  # fmt: skip


def import_items(source: str) -> Imported[Item]:
    """Read a table of items: item (or id), title, description, categories, tags, creator, price, published, ….

    Raises:
        DataError: If the table cannot be read, or no row of it.
    """
    return _import(source, read_item)


def import_events(source: str) -> Imported[Interaction]:
    """Read a table of interactions: user, item, and where there are type, value, time, ranking, id.

    Raises:
        DataError: If the table cannot be read, or no row of it.
    """
    now = time.time()
    return _import(source, lambda row: read_interaction(row, now))


def _import(source: str, read: Callable[[dict[str, Any]], Row]) -> Imported[Row]:
    rows: list[Row] = []
    faults: list[str] = []
    left_out = 0
    for number, cells in enumerate(_rows(source), 1):
        try:
            rows.append(read(_with_moments(cells)))
        except DataError as error:
            left_out += 1
            if len(faults) < FAULTS_SHOWN:
                faults.append(f"row {number}: {error}")
    if not rows:
        said = "\n".join(f"  - {fault}" for fault in faults) or "  - it has no rows"
        raise DataError(f"No row of {source} could be read:\n{said}", "See docs/recommendation.md for the columns.")
    return Imported(rows, faults, left_out)


def _rows(source: str) -> Iterator[dict[str, Any]]:
    for frame in open_rows(source):
        yield from frame.iter_rows(named=True)


def _with_moments(cells: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its moments in seconds since 1970."""
    found = dict(cells)
    for name in MOMENTS:
        value = found.get(name)
        if value is None or value == "" or isinstance(value, (int, float)):
            continue
        text = cell_text(value) or ""
        moment = read_time(text)
        if moment is not None:
            found[name] = seconds(moment.isoformat())
    return found
