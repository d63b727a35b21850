"""What of a recipe and its data may be written down: no password, no text; in what travels, no folder either."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from feilun.data.paths import shown

PARTS = ("train", "validation", "test", "unlabelled")


def without_passwords(table: dict[str, Any]) -> dict[str, Any]:
    """Return a recipe's table with the passwords of its database addresses hidden."""
    return _with_sources(table, lambda source: shown(source) if "://" in source else source)


def without_places(table: dict[str, Any]) -> dict[str, Any]:
    """Return a recipe's table with file names instead of paths, and database addresses without user and password.

    A bundle travels; the folders and the secrets of the machine that made it stay there.
    """
    model = dict(table["model"])
    if Path(model["base"]).is_absolute():
        model["base"] = Path(model["base"]).name
    training = dict(table["training"])
    teachers = [Path(one).name if Path(one).is_absolute() else one for one in training["distil"].get("teachers", ())]
    training["distil"] = {**training["distil"], "teachers": teachers}
    return {**_with_sources(table, _without_place), "model": model, "training": training}


def without_texts(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a data report that quotes no text: a run is kept, and what is forgotten must not live on in it."""
    conflicts = report.get("conflicts")
    if not isinstance(conflicts, Mapping):
        return dict(report)
    listed = [{key: value for key, value in one.items() if key != "text"} for one in conflicts.get("listed", ())]
    return {**report, "conflicts": {**conflicts, "listed": listed}}


def _without_place(source: str) -> str:
    url = urlsplit(source)
    return f"{url.scheme}://{url.hostname or ''}{url.path}" if "://" in source else Path(source).name


def _with_sources(table: dict[str, Any], written: Callable[[str], str]) -> dict[str, Any]:
    """Return a recipe's table with its sources, and those of its tasks, written otherwise."""

    def rewritten(data: dict[str, Any]) -> dict[str, Any]:
        return {**data, **{part: written(data[part]) for part in PARTS if data.get(part)}}

    tasks = {name: {**own, "data": rewritten(own["data"])} for name, own in table.get("tasks", {}).items()}
    return {**table, "data": rewritten(table["data"]), **({"tasks": tasks} if tasks else {})}
