"""Words and sentences of Chinese and English text."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from feilun.core.errors import MissingExtra
from feilun.core.remark import Remark

HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
PIECE = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[\W_]")

SENTENCE_END = re.compile(
    r"(?<=[。！？!?；…])[”’」』）\"')]*(?![。！？!?；…”’」』）\"')])"  # Chinese ends, with what closes after them
    r"|(?<=[.])[\"')”’]*(?=\s+[\"'(“‘]?[A-Z0-9\u3400-\u9fff])"  # an English full stop before a capital
    r"|\n+"
)
ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:[A-Z]|[Mm]rs?|[Mm]s|[Dd]r|[Pp]rof|[Ss]t|[Nn]o|vs|etc|e\.g|i\.e|[Ii]nc|[Ll]td|[Cc]o|[Cc]orp|[Jj]r|[Ss]r)\.$"
)


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, signs left out; Chinese is segmented by jieba's dictionary.

    Args:
        text: The text.

    Returns:
        The words in order.

    Raises:
        MissingExtra: If the text is Chinese and rjieba is not installed.
    """
    lowered = text.lower()
    if not HAN.search(lowered):
        return WORD.findall(lowered)
    return [word for piece in _segmented(lowered) for word in WORD.findall(piece)]


def word_numbers(text: str) -> NDArray[np.int32]:
    """Return the number of the word, or sign, that each character belongs to, ascending; shape (characters,).

    Raises:
        MissingExtra: If the text is Chinese and rjieba is not installed.
    """
    pieces = _segmented(text) if HAN.search(text) else PIECE.findall(text)
    return np.repeat(np.arange(len(pieces), dtype=np.int32), [len(piece) for piece in pieces])


def _segmented(text: str) -> list[str]:
    """Cut a text into Chinese words and what stands between them; together they are the text."""
    try:
        import rjieba
    except ImportError as error:
        raise MissingExtra("rjieba", "data", Remark("Segmenting Chinese", "中文分词")) from error
    return list(rjieba.cut(text))


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, without the blanks around them; together they hold all its other characters.

    Args:
        text: Chinese or English text.

    Returns:
        The sentences in order.
    """
    found: list[str] = []
    start = 0
    for end in SENTENCE_END.finditer(text):
        candidate = text[start : end.end()]
        if ABBREVIATION.search(candidate):
            continue
        found.append(candidate.strip())
        start = end.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]
