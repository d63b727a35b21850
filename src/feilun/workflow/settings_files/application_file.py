"""The file of an application: one TOML file, read with every fault at its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from feilun.core import settings as core_settings
from feilun.core.errors import RecipeError, UsageError
from feilun.core.remark import Remark
from feilun.workflow.settings_files.overrides import put
from feilun.workflow.settings_files.recipe_file import decoded, parse, placed

Settings = TypeVar("Settings")


def read_settings(
    path: Path, declared: type[Settings], example: str, defaults: Mapping[str, Any], overrides: Sequence[str] = ()
) -> Settings:
    """Read the settings of an application; paths in them stay as they are written.

    Args:
        path: The file.
        declared: The dataclass of its settings.
        example: Name of the file in `examples/` to begin with.
        defaults: Values of keys that it may leave out.
        overrides: Settings that replace the file's, each `key=value` with a dotted key, as `--set` takes them.

    Raises:
        UsageError: If there is no such file.
        RecipeError: With every fault, each with its line.
    """
    if not path.is_file():
        raise UsageError(
            Remark(f"There is no application file {path}.", f"没有应用文件 {path}。"),
            Remark(f"examples/{example} is one to begin with.", f"可以从 examples/{example} 开始。"),
        )
    text = decoded(path)
    values = {**defaults, **parse(text, path)}
    overridden, wrong = put(declared, values, overrides)
    settings, faults = core_settings.read(declared, values)
    if settings is None or wrong:
        raise RecipeError([*wrong, *placed(faults, text, overridden)], str(path))
    return settings
