"""What a text is found by: the terms of Chinese and English text, the same in an index and in a query.

Chinese gives each character and each pair of neighbours, in simplified characters; English gives words in lower case
without their commonest endings. Words of jieba's dictionary as further terms were measured and left out: on the FAQ of
E.SUN bank they cost 0.008 of MRR@10, on pairs of BQ they brought 0.004.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from feilun.core.errors import MissingExtra
from feilun.core.remark import Remark
from feilun.text.clean import compose_safely, narrow
from feilun.text.segment import HAN

RUN = re.compile(r"(?P<han>[\u3400-\u9fff\uf900-\ufaff]+)|(?P<word>[^\W_\u3400-\u9fff\uf900-\ufaff]+)")

LONGEST_WORD = 60
"""Characters of a word that count: what is longer is a number or noise, and is told apart by its beginning."""


def search_terms(text: str) -> list[str]:
    """Return the terms of a text, repeated as often as they stand in it.

    Args:
        text: Chinese (simplified or traditional) or English text.

    Returns:
        Terms without blanks; empty where the text has no letter and no digit.

    Raises:
        MissingExtra: If the text is Chinese and opencc is not installed.
    """
    terms: list[str] = []
    for run in _runs(text):
        if run["han"]:
            terms += [*run["han"], *_pairs(run["han"])]
        else:
            terms.append(_word(run))
    return terms


def phrases(text: str) -> list[tuple[str, ...]]:
    """Return what an index that knows where terms stand holds of a text: the terms of each run, in their order.

    A run of Chinese gives its pairs of neighbours and its last character, so that any part of it of two characters or
    more is a row of neighbouring terms, and each character begins one; an English word is one term.

    Raises:
        MissingExtra: If the text is Chinese and opencc is not installed.
    """
    return [(*_pairs(run["han"]), run["han"][-1]) if run["han"] else (_word(run),) for run in _runs(text)]


def _runs(text: str) -> Iterator[re.Match[str]]:
    return RUN.finditer(simplified(narrow(compose_safely(text))).lower())


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]


def _word(run: re.Match[str]) -> str:
    return stem(run["word"])[:LONGEST_WORD]


def simplified(text: str) -> str:
    """Return a text with traditional Chinese characters made simplified.

    Raises:
        MissingExtra: If the text is Chinese and opencc is not installed.
    """
    return str(_converter().convert(text)) if HAN.search(text) else text


def stem(word: str) -> str:
    """Take the commonest endings off an English word: plurals, -ing, -ed and a silent e.

    Much lighter than Porter's stemmer (1980): `transfers`, `transferring` and `transferred` meet, `bus` stays.
    """
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            doubled = len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz"
            return word[:-1] if doubled else word
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


@cache
def _converter() -> Any:
    try:
        import opencc
    except ImportError as error:
        raise MissingExtra("opencc", "knowledge", Remark("Searching Chinese text", "检索中文文本")) from error
    return opencc.OpenCC("t2s")
