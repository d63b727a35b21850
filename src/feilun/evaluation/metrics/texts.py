"""How near written texts are to the known ones, and how likely a model finds these."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.evaluation.metrics.arithmetic import Floats, divide
from feilun.text.segment import words

UNITS = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]|[^\\W_\u3400-\u9fff\uf900-\ufaff]+")
"""What the first ROUGE-L compares: Chinese characters one by one, other words whole."""

COLUMNS = ("rouge_l", "rouge_l_words", "exact_match")
"""Figures of each row by its text alone; all from 0 to 1."""


@dataclass(frozen=True)
class TextJudgement:
    """Written texts beside the known ones.

    Args:
        figures: Of each row, those of `COLUMNS`, shape (rows, 3).
        surprise: Of each row the negative log likelihood of the known answer and its tokens, shape (rows, 2); None
            where the predictor cannot say.
    """

    figures: Floats
    surprise: Floats | None = None

    @property
    def sums(self) -> Floats:
        """Return what the figures need of each row, shape (rows, 4 or 6): the number one, figures, surprise."""
        ones = np.ones((len(self.figures), 1))
        return np.concatenate([ones, self.figures, *([] if self.surprise is None else [self.surprise])], axis=1)


def judge_texts(written: Sequence[str], known: Sequence[str], surprise: Floats | None = None) -> TextJudgement:
    """Set written texts beside the known ones.

    Args:
        written: What a predictor wrote.
        known: The answers.
        surprise: As of `TextJudgement`.
    """
    rows = [
        (rouge_l(mine, theirs, units), rouge_l(mine, theirs, words), float(_plain(mine) == _plain(theirs)))
        for mine, theirs in zip(written, known, strict=True)
    ]
    return TextJudgement(np.array(rows, dtype=np.float64).reshape(-1, len(COLUMNS)), surprise)


def figures_of(sums: Floats) -> Mapping[str, Floats]:
    """Return the figures from sums over rows of shape (…, 4 or 6)."""
    found: dict[str, Floats] = {}
    if sums.shape[-1] > 1 + len(COLUMNS):
        found["perplexity"] = np.exp(divide(sums[..., -2], sums[..., -1]))
    means = {name: divide(sums[..., 1 + i], sums[..., 0]) for i, name in enumerate(COLUMNS)}
    return {**found, **means}


def perplexity(surprise: NDArray[np.floating]) -> float:
    """Return the perplexity of known answers: the exponential of the mean surprise of a token.

    Args:
        surprise: Negative log likelihood and tokens of each row's answer, shape (rows, 2).
    """
    total, tokens = surprise.astype(np.float64).sum(0)
    return float(np.exp(total / max(tokens, 1.0)))


def rouge_l(written: str, known: str, cut: Callable[[str], Sequence[str]]) -> float:
    """Return ROUGE-L (Lin 2004) with equal weight of precision and recall: the F1 of the longest common subsequence.

    Args:
        written: A text.
        known: The reference.
        cut: Cuts both into what is compared.

    Returns:
        From 0 to 1; 0 where one of both is empty.
    """
    mine, theirs = cut(written), cut(known)
    common = longest_common(mine, theirs)
    return 2 * common / (len(mine) + len(theirs)) if common else 0.0


def units(text: str) -> list[str]:
    """Return Chinese characters one by one, other words whole and in lower case; signs are left out."""
    return UNITS.findall(text.lower())


def longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the length of the longest common subsequence (Wagner and Fischer 1974)."""
    row = [0] * (len(other) + 1)
    for item in one:
        before = 0
        for place, found in enumerate(other, start=1):
            longest = before + 1 if item == found else max(row[place], row[place - 1])
            before, row[place] = row[place], longest
    return row[-1]


def _plain(text: str) -> str:
    return " ".join(text.split())
