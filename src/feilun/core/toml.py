"""TOML that somebody else wrote, read within bounds: `tomllib` alone lets a small file cost minutes, or the stack."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

LARGEST = 64 * 1024
"""Characters of a file of settings."""

DEEPEST = 16
MOST_KEYS = 1000

DOTTED = re.compile(rf"^[\s\[]*+(?:[\w\"' \t-]++\.){{{DEEPEST}}}", re.MULTILINE)
"""A key or header of more parts than `DEEPEST`: `tomllib` takes time that grows with their square."""


class TooMuch(tomllib.TOMLDecodeError):
    """A text that is larger, deeper or fuller than a file of settings can be."""


def parse(text: str, *, largest: int = LARGEST, keys: int = MOST_KEYS) -> dict[str, Any]:
    """Read a TOML text.

    Args:
        text: The text to read.
        largest: Most characters.
        keys: Most keys, those of inner tables included.

    Returns:
        What it holds.

    Raises:
        tomllib.TOMLDecodeError: If it is no TOML; as `TooMuch` where it goes beyond the bounds.
    """
    if len(text) > largest:
        raise TooMuch(f"it has {len(text):,} characters, and a file of this kind at most {largest:,}")
    if DOTTED.search(text):
        raise TooMuch(f"a key has more than {DEEPEST} parts")
    try:
        values = tomllib.loads(text)
    except RecursionError as error:
        raise TooMuch(f"it nests values more than {DEEPEST} deep") from error
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:  # a number of thousands of digits
        raise TooMuch(str(error)) from error
    _check(values, keys)
    return values


def _check(values: Mapping[str, Any], most: int) -> None:
    """Refuse what nests too deep or has too many keys, without recursion."""
    level: list[Any] = [values]
    keys = 0
    for _ in range(DEEPEST):
        keys += sum(len(one) for one in level if isinstance(one, Mapping))
        if keys > most:
            raise TooMuch(f"it has more than {most:,} keys")
        level = [inner for one in level for inner in (one.values() if isinstance(one, Mapping) else one)]
        level = [inner for inner in level if isinstance(inner, (Mapping, list))]
        if not level:
            return
    raise TooMuch(f"it nests values more than {DEEPEST} deep")
