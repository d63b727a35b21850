"""What a recommendation application reads first: its TOML file."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.core import settings as core_settings
from feilun.core import toml
from feilun.core.errors import RecipeError, UsageError
from feilun.workflow.toml_text import lines_of_keys


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
