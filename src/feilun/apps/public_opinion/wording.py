"""What the wording of finance means: "亏损收窄" and "losses narrowed" are good news, "减持" is not.

Two kinds of patterns stand in `wording.toml`. Firm ones are phrases whose meaning the market fixes: they decide, also
against a trained model. Plain ones are single words, used where there is no model, and to choose evidence.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from feilun.core.corpus import Corpus
from feilun.core.ports import Predictor
from feilun.core.prediction import Prediction, Ranking

Sentiment = Literal["negative", "neutral", "positive"]
SENTIMENTS: tuple[Sentiment, ...] = ("negative", "neutral", "positive")

FIRM_WEIGHT = 3
"""What a firm phrase weighs beside a plain word."""

NEGATION = re.compile(
    r"(?:没有|并未|并无|未曾|未|无|不存在|不会|否认|并非|\b(?:no|not|never|without|den(?:y|ies|ied)))\W*\Z", re.I
)
"""Right before a plain word it takes its meaning away."""

CONCESSION = re.compile(r"\b(?:despite|in spite of)\b[^,.;]*|(?:尽管|虽然)[^，。；,]*", re.I)
"""What is conceded does not count: the rest of the sentence says what matters."""

CONTRAST = re.compile(r"\b(?:but|however)\b|但|然而|却", re.I)
"""What stands behind counts twice: "beats expectations but cuts guidance" is bad news."""


@dataclass(frozen=True)
class Wording:
    """What the phrases of a text say.

    Args:
        firm: Sum of its firm phrases, each 1 or -1, twice that behind a "but".
        plain: Sum of its plain words outside of firm phrases.
    """

    firm: int
    plain: int

    @property
    def weight(self) -> int:
        """Return what it says as one number, negative for bad news."""
        return FIRM_WEIGHT * self.firm + self.plain


class WordingRules:
    """Sentiment by wording; a Predictor.

    Args:
        model: Decides where no firm phrase does; without it plain words decide.
    """

    def __init__(self, model: Predictor | None = None) -> None:
        self.model = model

    def predict(self, corpus: Corpus) -> list[Prediction]:
        """Return negative, neutral or positive for each text, the score for a firm phrase being 1."""
        if self.model is None:
            return [_prediction(_sentiment(read_wording(text).weight)) for text in corpus.text]
        return with_firm_phrases(corpus.text, self.model.predict(corpus))


def with_firm_phrases(texts: Sequence[str], predictions: Sequence[Prediction]) -> list[Prediction]:
    """Return what a model says of texts, and what their firm phrases say where they hold some."""
    said = [read_wording(text).firm for text in texts]
    return [_prediction(_sentiment(firm)) if firm else own for firm, own in zip(said, predictions, strict=True)]


def read_wording(text: str) -> Wording:
    """Weigh the phrases of a text; where two overlap, the one that begins first and is longest counts.

    Args:
        text: Chinese or English text.
    """
    firm, plain = _patterns()
    text = _without(text, [found.span() for found in CONCESSION.finditer(text)])
    total, covered = _summed(firm, text)
    words, _ = _summed(plain, _without(text, covered))
    return Wording(total, words)


def _summed(patterns: re.Pattern[str], text: str) -> tuple[int, list[tuple[int, int]]]:
    """Return what the patterns in a text say together, and where they stand."""
    turn = max((found.end() for found in CONTRAST.finditer(text)), default=len(text))
    total, covered = 0, []
    for found in patterns.finditer(text):
        if not NEGATION.search(text, max(0, found.start() - 12), found.start()):
            total += (1 if found.lastgroup == "positive" else -1) * (2 if found.start() >= turn else 1)
        covered.append(found.span())
    return total, covered


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    """Return a text with blanks in place of spans."""
    parts, last = [], 0
    for start, end in spans:
        parts += [text[last:start], " " * (end - start)]
        last = end
    return "".join([*parts, text[last:]])


def _sentiment(weight: int) -> Sentiment:
    return "neutral" if weight == 0 else "positive" if weight > 0 else "negative"


def _prediction(label: Sentiment) -> Prediction:
    scores = np.array([float(name == label) for name in SENTIMENTS], dtype=np.float32)
    return Prediction(label, 1.0, Ranking(SENTIMENTS, scores))


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the firm and the plain patterns, each with a group a sentiment."""
    table = tomllib.loads(Path(__file__).with_name("wording.toml").read_text(encoding="utf-8"))
    return _compiled(table, "firm"), _compiled(table, "plain")


def _compiled(table: dict[str, dict[str, list[str]]], kind: str) -> re.Pattern[str]:
    groups = []
    for name in ("positive", "negative"):
        expressions = [re.sub(r"\((?!\?)", "(?:", expression) for expression in table[name][kind]]
        whole = [rf"\b(?:{one})\b" if re.search("[A-Za-z]{2}", one) else f"(?:{one})" for one in expressions]
        groups.append(f"(?P<{name}>{'|'.join(whole)})")
    return re.compile("|".join(groups), re.IGNORECASE)
