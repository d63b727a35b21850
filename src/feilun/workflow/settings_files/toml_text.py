"""TOML as text: the line on which a key stands, and a table written back."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any


def lines_of_keys(text: str) -> dict[str, int]:
    """Find the line on which each key of a valid TOML text begins.

    A statement ends where its lines are valid by themselves, and belongs to the table whose header came last. That is
    exact for multi-line strings, arrays and quoted keys, without a second parser.

    Args:
        text: A TOML text that `tomllib` reads.

    Returns:
        Line numbers from 1, by dotted key; tables are keys too.
    """
    lines = text.replace("\r\n", "\n").split("\n")  # TOML's line breaks; splitlines() knows others
    found: dict[str, int] = {}
    begins, table = 1, ""
    for number in range(1, len(lines) + 1):
        try:
            statement = tomllib.loads("\n".join(lines[begins - 1 : number]))
        except tomllib.TOMLDecodeError:
            continue  # in the middle of a statement
        header = lines[begins - 1].lstrip().startswith("[")
        keys = list(_dotted_keys(statement, "" if header else table))
        for key in keys:
            found.setdefault(key, begins)
        table = keys[-1] if header else table
        begins = number + 1
    return found


def to_toml(table: Mapping[str, Any], name: str = "") -> str:
    """Write a table as TOML: plain keys first, then each inner table under its header.

    Args:
        table: Text, numbers, truth values, lists of these, and tables.
        name: Dotted key of the table; empty at the top.

    Returns:
        TOML text that reads back to an equal table.
    """
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    lines = [f"[{name}]"] if name and (plain or not table) else []
    lines += [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    parts = ["\n".join(lines) + "\n"] if lines else []
    for key, value in table.items():
        if isinstance(value, Mapping):
            parts.append(to_toml(value, f"{name}.{_key(key)}" if name else _key(key)))
    return "\n".join(parts)


def _dotted_keys(table: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in table.items():
        key = f"{prefix}.{name}" if prefix else name
        yield key
        if isinstance(value, Mapping):
            yield from _dotted_keys(value, key)


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if bare else _quoted(name)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _quoted(text: str) -> str:
    # JSON's escapes are TOML's, but for U+007F, which TOML wants escaped
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
