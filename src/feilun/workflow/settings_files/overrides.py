"""Settings that replace a file's, as `--set KEY=VALUE` gives them."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any

from feilun.core import settings as core_settings
from feilun.core.remark import Remark


def put(declared: type, values: dict[str, Any], overrides: Sequence[str]) -> tuple[set[str], list[str]]:
    """Put settings into a table of values.

    Args:
        declared: The dataclass that declares the keys.
        values: As a file has them; changed in place.
        overrides: Each `key=value` with a dotted key.

    Returns:
        The keys, and what is wrong with the form of others.
    """
    types = {key: kind for key, kind, *_ in core_settings.describe(declared)}
    faults: list[str] = []
    keys = set()
    for override in overrides:
        key, equals, text = override.partition("=")
        names = key.strip().split(".")
        if not equals or not all(names):
            faults.append(
                Remark(
                    f"--set {override}: write key=value, such as --set training.epochs=3.",
                    f"--set {override}：请写成 key=value，例如 --set training.epochs=3。",
                )
            )
            continue
        inner = values
        for name in names[:-1]:
            held = inner.get(name)
            inner[name] = dict(held) if isinstance(held, dict) else {}
            inner = inner[name]
        inner[names[-1]] = _value(text.strip(), types.get(key.strip(), ""))
        keys.add(key.strip())
    return keys, faults


def _value(text: str, kind: str) -> Any:
    """Read a value as the key's type wants it: shells eat quotes, so text needs none, and lists may be a,b,c."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    if kind == "text" and not isinstance(value, str):
        return text
    if kind == "text | list of text" and not isinstance(value, (str, list)):
        return text
    if kind.startswith("list of") and not isinstance(value, list):
        return [part.strip() for part in text.split(",") if part.strip()]
    return value
