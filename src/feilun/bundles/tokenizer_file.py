"""Opening a bundle's tokenizer, which may come from anybody."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from feilun.bundles.content import TRUST, damaged, read_table
from feilun.core.errors import BundleError
from feilun.core.remark import Remark

FILE = "tokenizer.json"
MOST_GROWTH = 64
"""Characters that one may become before it is cut into tokens; known tokenizers replace one by one."""

PROBE = "Is 这 a text? 1"


def open_tokenizer(folder: Path) -> Tokenizer:
    """Open the tokenizer of a bundle and let it read a few words.

    Args:
        folder: The bundle's folder.

    Raises:
        BundleError: If it cannot be read, reads nothing, or would blow texts up.
    """
    grown = _growth(read_table(folder, FILE).get("normalizer"))
    if grown > MOST_GROWTH:
        raise BundleError(
            Remark(
                f"The bundle {folder} is refused: {FILE} makes up to {grown:,} characters of one, which would fill the "
                "memory.",
                f"拒绝模型包 {folder}：{FILE} 会把一个字符变成多达 {grown:,} 个，会占满内存。",
            ),
            TRUST,
        )
    try:
        tokenizer = Tokenizer.from_file(str(folder / FILE))
        tokenizer.encode(PROBE)
    except Exception as error:  # tokenizers raises plain Exception
        raise damaged(folder, Remark(f"{FILE} cannot be read ({error})", f"无法读取 {FILE}（{error}）")) from error
    return tokenizer


def _growth(normalizer: Any) -> int:
    """Return how many characters a normalizer's replacements may make of one."""
    if not isinstance(normalizer, Mapping):
        return 1
    inner = normalizer.get("normalizers")
    if isinstance(inner, list):
        return prod(map(_growth, inner))
    return max(1, len(str(normalizer.get("content", ""))))
