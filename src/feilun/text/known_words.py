"""What is known of words and characters at large, whatever a company's texts say: packaged lists."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def english_pieces() -> frozenset[str]:
    """Return English words and pieces of words, of four letters and more, in lower case."""
    return frozenset(" ".join(_lines("english_pieces.txt")).split())


@cache
def syllables() -> Mapping[str, tuple[str, ...]]:
    """Return how each simplified Chinese character is pronounced, in Pinyin without tones; several have two ways."""
    found: dict[str, tuple[str, ...]] = {}
    for line in _lines("syllables.txt"):
        syllable, characters = line.split()
        for character in characters:
            found[character] = (*found.get(character, ()), syllable)
    return found


def _lines(name: str) -> list[str]:
    lines = files("feilun.text").joinpath(name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]
