"""What of a recipe may be written down: never a password; in what travels, no folder of the machine that made it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from feilun.data.paths import shown

PARTS = ("train", "validation", "test", "unlabelled")


def without_passwords(table: dict[str, Any]) -> dict[str, Any]:
    """Return a recipe's table with the passwords of its database addresses hidden."""
    data = dict(table["data"])
    for part in PARTS:
        if "://" in (data.get(part) or ""):
            data[part] = shown(data[part])
    return {**table, "data": data}


def without_places(table: dict[str, Any]) -> dict[str, Any]:
    """Return a recipe's table with file names instead of paths, and database addresses without user and password.

    A bundle travels; the folders and the secrets of the machine that made it stay there.
    """
    data = dict(table["data"])
    for part in PARTS:
        source = data.get(part)
        if source is not None:
            url = urlsplit(source)
            data[part] = f"{url.scheme}://{url.hostname or ''}{url.path}" if "://" in source else Path(source).name
    model = dict(table["model"])
    if Path(model["base"]).is_absolute():
        model["base"] = Path(model["base"]).name
    training = dict(table["training"])
    teachers = [Path(one).name if Path(one).is_absolute() else one for one in training["distil"].get("teachers", ())]
    training["distil"] = {**training["distil"], "teachers": teachers}
    return {**table, "data": data, "model": model, "training": training}
