"""TOML that somebody else wrote, read within bounds: `tomllib` alone lets a small file cost minutes, or the stack."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from feilun.core.remark import Remark

LARGEST = 64 * 1024
"""Characters of a file of settings."""

DEEPEST = 16
MOST_KEYS = 1000

DOTTED = re.compile(rf"^[\s\[]*+(?:[\w\"' \t-]++\.){{{DEEPEST}}}", re.MULTILINE)
"""A key or header of more parts than `DEEPEST`: `tomllib` takes time that grows with their square."""


TOO_DEEP = Remark(f"it nests values more than {DEEPEST} deep", f"它的值嵌套超过 {DEEPEST} 层")


class TooMuch(tomllib.TOMLDecodeError):
    """A text that is larger, deeper or fuller than a file of settings can be; its argument is a remark."""


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
        raise TooMuch(
            Remark(
                f"it has {len(text):,} characters, and a file of this kind at most {largest:,}",
                f"它有 {len(text):,} 个字符，这类文件最多 {largest:,} 个",
            )
        )
    if DOTTED.search(text):
        raise TooMuch(Remark(f"a key has more than {DEEPEST} parts", f"有的键超过 {DEEPEST} 段"))
    try:
        values = tomllib.loads(text)
    except RecursionError as error:
        raise TooMuch(TOO_DEEP) from error
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
            raise TooMuch(Remark(f"it has more than {most:,} keys", f"它的键超过 {most:,} 个"))
        level = [inner for one in level for inner in (one.values() if isinstance(one, Mapping) else one)]
        level = [inner for inner in level if isinstance(inner, (Mapping, list))]
        if not level:
            return
    raise TooMuch(TOO_DEEP)
