"""What a recommendation application reads first: its TOML file."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.workflow.settings_files.application_file import read_settings


def read_application(path: Path, overrides: Sequence[str] = ()) -> RecommendationSettings:
    """Read an application file; paths in it are relative to its folder.

    Args:
        path: The file.
        overrides: Settings that replace the file's, each `key=value` with a dotted key, as `--set` takes them.

    Raises:
        UsageError: If there is no such file.
        RecipeError: With every fault and its line.
    """
    name = re.sub(r"[^\w.-]+", "-", path.stem).strip("-.") or "recommendation"
    settings = read_settings(path, RecommendationSettings, "recommendation.toml", {"name": name}, overrides)
    folder = path.absolute().parent
    rules = replace(settings.rules, tables=tuple(str(folder / name) for name in settings.rules.tables))
    return replace(settings, rules=rules, **{
        name: os.path.normpath(folder / value) for name in ("items", "events", "users")
        if (value := getattr(settings, name)) and "://" not in value
    })  # fmt: skip
