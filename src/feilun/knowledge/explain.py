"""Why a text got its label: what the score loses without each word, and which words the decision hangs on.

Words are taken out, one at a time, and the model is asked again (erasure; Li, Monroe and Jurafsky 2016). That needs
nothing but answers, so it holds for every kind of model, exactly as it is served. Words that say the same twice hide
each other: each alone can be spared. Whether the words named really carry the decision is therefore tried: they are
taken out together until it changes.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from feilun.core.corpus import Corpus, corpus_of
from feilun.core.errors import UsageError
from feilun.core.ports import Predictor
from feilun.core.prediction import Prediction
from feilun.core.remark import Remark
from feilun.text.segment import HAN

MOST_PARTS = 200
"""Parts that are taken out one by one; of a longer text several words in a row are one part."""

WORD = re.compile(r"[^\W_\u3400-\u9fff\uf900-\ufaff]+(?:['’][^\W_]+)*|[\u3400-\u9fff\uf900-\ufaff]")
SURE = 1e-6
"""Scores nearer to 0 and 1 than this count as this far away, so that their log-odds are finite."""


@dataclass(frozen=True)
class Part:
    """A word, or some words in a row.

    Args:
        start: Where it begins, in characters of the text.
        end: Where it ends.
        text: What stands there.
        effect: What the log-odds of the label lose without it; below 0 speaks against the label.
    """

    start: int
    end: int
    text: str
    effect: float


@dataclass(frozen=True)
class Explanation:
    """What a label of a text rests on.

    Args:
        label: The label.
        score: Its calibrated probability.
        parts: Every word with its effect, in the order of the text.
        decisive: The words without which, taken out together, the text gets another label; empty where it keeps it
            however many of those that speak for it are taken out.
        instead: The label that it gets then.
    """

    label: str
    score: float
    parts: tuple[Part, ...]
    decisive: tuple[Part, ...]
    instead: str | None

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        return {
            "label": self.label,
            "score": round(self.score, 6),
            "parts": [_json(part) for part in self.parts],
            "decisive": [_json(part) for part in self.decisive],
            "instead": self.instead,
        }


def explain(predictor: Predictor, text: str, label: str | None = None) -> Explanation:
    """Say what a label of a text rests on.

    Args:
        predictor: Gives one text one label, or several.
        text: The text.
        label: The label to explain; the predicted one where absent, or the likeliest where several were given.

    Returns:
        The words with their effects, and those that the decision hangs on.

    Raises:
        UsageError: If the text has no word, the model gives no labels, or there is no such label.
    """
    places = _places(text)
    if not places:
        raise UsageError(
            Remark("The text has no word that could be taken out.", "文本里没有可以拿掉的词。"),
            Remark("Give a text with letters or digits.", "请给出含有文字或数字的文本。"),
        )
    texts = [text, *(text[:start] + text[end:] for start, end in places)]
    whole, *without = predictor.predict(corpus_of(texts))
    label = _checked(whole, label)
    before = _log_odds(whole, label)
    effects = [before - _log_odds(prediction, label) for prediction in without]
    parts = tuple(
        Part(start, end, text[start:end], effect) for (start, end), effect in zip(places, effects, strict=True)
    )
    decisive, instead = _decisive(predictor, text, label, parts)
    return Explanation(label, _score(whole, label), parts, decisive, instead)


def read_part(text: str, encode: Callable[[Corpus], list[list[int]]]) -> str:
    """Return the beginning of a text that a model reads, up to the end of a word; what is behind that is cut.

    Args:
        text: The text.
        encode: Gives rows their token ids as the model reads them.
    """
    ends = [found.end() for found in WORD.finditer(text)]
    whole = encode(corpus_of([text]))
    at = bisect_left(ends, True, key=lambda end: encode(corpus_of([text[:end]])) == whole)
    return text[: ends[at]] if at < len(ends) else text


def _decisive(
    predictor: Predictor, text: str, label: str, parts: Sequence[Part]
) -> tuple[tuple[Part, ...], str | None]:
    """Take out the words that speak for a label, the strongest first, until the text gets another one."""
    order = sorted((part for part in parts if part.effect > 0), key=lambda part: -part.effect)
    texts = [_without(text, order[:count]) for count in range(1, len(order) + 1)]
    for count, prediction in enumerate(predictor.predict(corpus_of(texts)) if texts else [], 1):
        if not _has(prediction, label):
            return tuple(order[:count]), prediction.label or None
    return (), None


def _without(text: str, parts: Sequence[Part]) -> str:
    for part in sorted(parts, key=lambda part: -part.start):
        text = text[: part.start] + text[part.end :]
    return text


def _checked(prediction: Prediction, label: str | None) -> str:
    """Return the label to explain, of a model that gives labels."""
    if prediction.task not in {"classify", "multilabel"}:
        raise UsageError(
            Remark(
                f"The model answers for the task {prediction.task}; words can be weighed where a text gets labels.",
                f"模型做的是 {prediction.task} 任务；只有给文本打标签的任务才能衡量词的作用。",
            ),
            Remark(
                "Explain a bundle of the task classify or multilabel.", "请解释 classify 或 multilabel 任务的模型包。"
            ),
        )
    names = dict(prediction.ranked)
    if label is not None and label not in names:
        raise UsageError(
            Remark(f"There is no label {label!r}.", f"没有标签 {label!r}。"),
            Remark(f"Labels: {', '.join(names)}.", f"标签有：{'、'.join(names)}。"),
        )
    return label or (next(iter(names)) if prediction.labels is not None else prediction.label)


def _has(prediction: Prediction, label: str) -> bool:
    return prediction.label == label if prediction.labels is None else label in prediction.labels


def _score(prediction: Prediction, label: str) -> float:
    return dict(prediction.ranked)[label]


def _log_odds(prediction: Prediction, label: str) -> float:
    score = min(max(_score(prediction, label), SURE), 1 - SURE)
    return math.log(score / (1 - score))


def _places(text: str) -> list[tuple[int, int]]:
    """Return where the words of a text stand; of a long text, some in a row together."""
    words = [(found.start(), found.end()) for found in WORD.finditer(text)]
    if HAN.search(text):
        words = _joined(text, words)
    size = -(-len(words) // MOST_PARTS) if words else 1
    return [(words[i][0], words[min(i + size, len(words)) - 1][1]) for i in range(0, len(words), size)]


def _joined(text: str, words: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join Chinese characters to words where rjieba is installed; the light install has characters alone."""
    try:
        import rjieba
    except ImportError:
        return words
    starts = {start for start, _ in words}
    found, place = [], 0
    for piece in rjieba.cut(text):
        inside = [i for i in range(place, place + len(piece)) if i in starts]
        place += len(piece)
        if inside:
            found.append((inside[0], max(end for start, end in words if inside[0] <= start < place)))
    return found


def _json(part: Part) -> dict[str, Any]:
    return {"start": part.start, "end": part.end, "text": part.text, "effect": round(part.effect, 4)}
