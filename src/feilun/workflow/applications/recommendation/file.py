"""What a recommendation application reads first: its TOML file."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.core import settings as core_settings
from feilun.core import toml
from feilun.core.errors import RecipeError, UsageError
from feilun.core.remark import Remark
from feilun.core.settings import placed
from feilun.workflow.settings_files.overrides import put as put_overrides
from feilun.workflow.settings_files.toml_text import lines_of_keys


def read_application(path: Path, overrides: Sequence[str] = ()) -> RecommendationSettings:
    """Read an application file; paths in it are relative to its folder.

    Args:
        path: The file.
        overrides: Settings that replace the file's, each `key=value` with a dotted key, as `--set` takes them.

    Raises:
        UsageError: If there is no such file.
        RecipeError: With every fault and its line.
    """
    if not path.is_file():
        raise UsageError(
            Remark(f"There is no application file {path}.", f"没有应用文件 {path}。"),
            Remark("examples/recommendation.toml is one to begin with.", "可以从 examples/recommendation.toml 开始。"),
        )
    try:
        text = path.read_bytes().decode("utf-8-sig")
        values: dict[str, Any] = toml.parse(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(
            [Remark(f"no TOML in UTF-8: {error}.", f"不是 UTF-8 的 TOML：{error}。")], str(path)
        ) from error
    values.setdefault("name", re.sub(r"[^\w.-]+", "-", path.stem).strip("-.") or "recommendation")
    _, unread = put_overrides(RecommendationSettings, values, overrides)
    if unread:
        raise RecipeError(unread, str(path))
    settings, faults = core_settings.read(RecommendationSettings, values)
    if settings is None:
        lines = lines_of_keys(text)
        raise RecipeError([placed(fault, lines.get(fault.key)) for fault in faults], str(path))
    folder = path.absolute().parent
    rules = replace(settings.rules, tables=tuple(str(folder / name) for name in settings.rules.tables))
    return replace(settings, rules=rules, **{
        name: os.path.normpath(folder / value) for name in ("items", "events", "users")
        if (value := getattr(settings, name)) and "://" not in value
    })  # fmt: skip
