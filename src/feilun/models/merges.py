"""What trimming asks of a BPE tokenizer, whose pieces are made of one another, and may be spelt in bytes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def with_parts(model: Mapping[str, Any], kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep also what the kept pieces are merged from, down to single characters.

    Args:
        model: The tokenizer's table `model`.
        kept: Whether each piece is kept, shape (pieces,).

    Returns:
        The same and the parts, shape (pieces,).
    """
    numbers, prefix = model["vocab"], model["continuing_subword_prefix"] or ""
    parts: defaultdict[int, list[int]] = defaultdict(list)
    for first, second in model["merges"]:
        parts[numbers[first + second.removeprefix(prefix)]] += [numbers[first], numbers[second]]
    result = kept.copy()
    waiting = np.flatnonzero(kept).tolist()
    while waiting:
        for part in parts[waiting.pop()]:
            if not result[part]:
                result[part] = True
                waiting.append(part)
    return result


def remaining(model: Mapping[str, Any], pieces: Container[str]) -> list[list[str]]:
    """Return the merges whose parts and whole are all among the pieces, in their order."""
    prefix = model["continuing_subword_prefix"] or ""
    return [
        [first, second]
        for first, second in model["merges"]
        if first in pieces and second in pieces and first + second.removeprefix(prefix) in pieces
    ]


def spelt_in_bytes(table: Mapping[str, Any]) -> bool:
    """Say whether a tokenizer writes each byte of UTF-8 as one printable character, as GPT-2 does."""
    node = table["decoder"] or {}
    return any(step["type"] == "ByteLevel" for step in node.get("decoders", [node] if node else []))


def alphabet() -> dict[str, int]:
    """Return the byte that each character of such a spelling stands for.

    Source: Radford et al. 2019 (GPT-2), `bytes_to_unicode`: printable bytes stand for themselves, the others follow
    after U+0100.
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}


def read_bytes(pieces: list[str]) -> list[str]:
    """Return the texts of pieces that are spelt in bytes; broken characters as U+FFFD, other pieces as they are."""
    byte_of = alphabet()
    return [
        bytes(byte_of[character] for character in piece).decode(errors="replace")
        if all(character in byte_of for character in piece)
        else piece
        for piece in pieces
    ]
