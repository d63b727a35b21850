"""What a model says about one text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from feilun.core.spans import PredictedSpan


class Ranking(Sequence[tuple[str, float]]):
    """All labels with their scores, best first; sorted only when read.

    Args:
        names: Label names in class order, shared by all rankings of a model.
        scores: Calibrated probabilities in class order, shape (labels,).
    """

    __slots__ = ("names", "scores")

    def __init__(self, names: tuple[str, ...], scores: NDArray[np.float32]) -> None:
        self.names = names
        self.scores = scores

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: Any) -> Any:
        return list(self)[index]

    def __iter__(self) -> Iterator[tuple[str, float]]:
        return iter(self.top(len(self)))

    def __repr__(self) -> str:
        """Show the five best, as a person who tries a model wants to see them."""
        best = str([(name, round(score, 4)) for name, score in self.top(5)])
        return best if len(self) <= 5 else f"{best[:-1]}, …]"

    def top(self, count: int) -> list[tuple[str, float]]:
        """Return the `count` best labels with their scores."""
        best = np.argsort(-self.scores, kind="stable")[:count]
        return [(self.names[i], score) for i, score in zip(best.tolist(), self.scores[best].tolist(), strict=True)]


@dataclass(frozen=True, slots=True)
class Number:
    """A predicted number.

    Args:
        name: The column that it stands for.
        value: The number.
        low: Lower end of its interval.
        high: Upper end.
    """

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says about one text.

    Args:
        label: The chosen label; also given where the model abstained, as its best guess. Of several labels, all of
            them, joined.
        score: The calibrated probability that `label` is right, 0 to 1.
        ranked: All labels with their scores, best first.
        abstained: Whether the score is below the bundle's threshold, so that a person should decide.
        labels: The chosen labels in class order, where a text may have several or none.
        numbers: The predicted numbers, where the task is to predict some.
        spans: The spans that were found, in their order, where the task is to find some.
        similarity: The cosine of two texts, where the task is to compare such that were read apart.
        relevance: How relevant the second text is to the first, on a scale of the model's own, where the task is to
            order candidates.
        answers: The prediction of each task by its name, where a model has several.
        text: The text that was written, where the task is to write one.
        tokens: How many tokens that took, the ending one included, where a language model wrote it.
        finish: Why it ended: `stop` (by itself, or at a stop text) or `length` (it was cut at a limit).
    """

    label: str
    score: float
    ranked: Ranking
    abstained: bool = False
    labels: tuple[str, ...] | None = None
    numbers: tuple[Number, ...] | None = None
    spans: tuple[PredictedSpan, ...] | None = None
    similarity: float | None = None
    relevance: float | None = None
    answers: Mapping[str, Prediction] | None = None
    text: str | None = None
    tokens: int | None = None
    finish: str | None = None

    @classmethod
    def of_text(cls, text: str, score: float, tokens: int | None = None, finish: str | None = None) -> Self:
        """Return what says that a text was written, whose tokens had the geometric mean probability `score`."""
        return cls(text, score, Ranking((), np.empty(0, np.float32)), text=text, tokens=tokens, finish=finish)

    def __repr__(self) -> str:
        """Show what the task of the model has, and no empty fields."""
        had = {field.name: getattr(self, field.name) for field in fields(self)}
        return f"Prediction({', '.join(f'{name}={value!r}' for name, value in had.items() if value is not None)})"

    @property
    def task(self) -> str:
        """Return the task that makes predictions of this kind."""
        if self.answers is not None:
            return "multitask"
        if self.numbers is not None:
            return "regress"
        if self.spans is not None:
            return "tag"
        if self.similarity is not None:
            return "similarity"
        if self.relevance is not None:
            return "rank"
        if self.text is not None:
            return "generate"
        return "classify" if self.labels is None else "multilabel"

    def to_json(self, ranked: int = 5) -> dict[str, Any]:
        """Return the public JSON form with the `ranked` best labels."""
        said = {"label": self.label, "score": round(self.score, 6), "abstained": self.abstained}
        if self.answers is not None:
            return said | {"tasks": {name: answer.to_json(ranked) for name, answer in self.answers.items()}}
        if self.numbers is not None:
            return said | _numbers(self.numbers)
        if self.relevance is not None:
            return said | {"relevance": round(self.relevance, 6)}
        if self.text is not None:
            return said | {"text": self.text} | self._ending()
        if self.spans is not None:
            return said | {"spans": [{**asdict(span), "score": round(span.score, 6)} for span in self.spans]}
        return {
            **said,
            **({} if self.labels is None else {"labels": list(self.labels)}),
            **({} if self.similarity is None else {"similarity": round(self.similarity, 6)}),
            "ranked": [{"label": label, "score": round(score, 6)} for label, score in self.ranked.top(ranked)],
        }

    def _ending(self) -> dict[str, Any]:
        """Return how long what was written is and why it ended, where a language model wrote it."""
        return {} if self.tokens is None else {"tokens": self.tokens, "finish_reason": self.finish}


def _numbers(numbers: tuple[Number, ...]) -> dict[str, Any]:
    """Return `value` and `interval` of a number, or tables of both by name where there are several."""
    values = {number.name: number.value for number in numbers}
    intervals = {number.name: [number.low, number.high] if math.isfinite(number.high) else None for number in numbers}
    if len(numbers) == 1:
        return {"value": numbers[0].value, "interval": intervals[numbers[0].name]}
    return {"value": values, "interval": intervals}


Reads = Literal["pooled", "tokens", "apart", "answers"]
"""Whether a task has numbers for a text (or two texts read together) as a whole, for each of its tokens, or for each of
two texts that are read apart; or writes answers, and says how likely a known one is."""


COLDEST = 1e-9
"""Logits divided by less are no numbers any more."""


@dataclass(frozen=True)
class Decision:
    """How calibrated probabilities become predictions; part of the bundle.

    Args:
        temperature: Divides the logits before the softmax (Guo et al. 2017); above 1 softens.
        abstain_below: Predictions with a lower score abstain; 0 never does.
        label_thresholds: Per-label replacements of `abstain_below`.
        out_of_scope: The label of texts that no other label fits; empty: there is none.
        scope_lost: Share of the texts within the scope that may be taken to be out of it.
        in_scope_from: A text whose likeliest other label has a lower probability is out of scope.
    """

    task: ClassVar[str] = "classify"
    reads: ClassVar[Reads] = "pooled"

    temperature: float = 1.0
    abstain_below: float = 0.0
    label_thresholds: tuple[tuple[str, float], ...] = ()
    out_of_scope: str = ""
    scope_lost: float = 0.0
    in_scope_from: float = 0.0

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Read what `dataclasses.asdict` wrote.

        Raises:
            KeyError, TypeError, ValueError: If the table is not of that form.
        """
        return cls(
            temperature_of(table), float(table["abstain_below"]), thresholds(table.get("label_thresholds", ())),
            str(table.get("out_of_scope", "")), float(table.get("scope_lost", 0)), float(table.get("in_scope_from", 0)),
        )  # fmt: skip

    def width(self, labels: int) -> int:
        """Return how many numbers the model gives for a text."""
        return labels

    def changed(
        self, before: NDArray[np.float32], after: NDArray[np.float32], names: tuple[str, ...]
    ) -> NDArray[np.bool_]:
        """Return which rows get another label, shape (rows,)."""
        one, other = (self.chosen(self.probabilities(logits), names)[0] for logits in (before, after))
        changed: NDArray[np.bool_] = one != other
        return changed

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the calibrated softmax of `logits`, shape (rows, labels)."""
        scaled = logits.astype(np.float64) / self.temperature
        scaled -= scaled.max(axis=1, keepdims=True)
        exponentials = np.exp(scaled)
        result: NDArray[np.float32] = (exponentials / exponentials.sum(axis=1, keepdims=True)).astype(np.float32)
        return result

    def decide(self, logits: NDArray[np.float32], names: tuple[str, ...]) -> list[Prediction]:
        """Turn logits into predictions.

        Args:
            logits: Shape (rows, labels), in the order of `names`.
            names: Label names in class order.

        Returns:
            One prediction a row.
        """
        if len(logits) == 0:
            return []
        probabilities = self.probabilities(logits)
        labels, scores = self.chosen(probabilities, names)
        own = dict(self.label_thresholds)
        thresholds = [own.get(name, self.abstain_below) for name in names]
        return [
            Prediction(names[i], score, Ranking(names, row), score < thresholds[i])
            for i, score, row in zip(labels.tolist(), scores.tolist(), probabilities, strict=True)
        ]

    def chosen(
        self, probabilities: NDArray[np.float32], names: tuple[str, ...]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the class of each row and its score, both of shape (rows,).

        A text is out of scope where that is the likeliest label, or no other label is likely enough (Hendrycks and
        Gimpel 2017); its score is what speaks against the likeliest other one.
        """
        if not self.out_of_scope:
            return probabilities.argmax(1), probabilities.max(1, initial=0)
        outside = names.index(self.out_of_scope)
        within = probabilities.copy()
        within[:, outside] = 0
        best = within.max(1, initial=0)
        out = (best < self.in_scope_from) | (probabilities[:, outside] > best)
        return np.where(out, outside, within.argmax(1)), np.where(out, 1 - best, best)


def temperature_of(table: Mapping[str, Any], key: str = "temperature") -> float:
    """Read a temperature that logits can be divided by.

    Raises:
        KeyError, TypeError, ValueError: If there is none.
    """
    temperature = float(table[key])
    if not COLDEST < temperature < math.inf:
        raise ValueError("a temperature is not above 0")
    return temperature


def thresholds(value: Any) -> tuple[tuple[str, float], ...]:
    """Read thresholds by label from a table, or from a list of pairs."""
    pairs = value.items() if isinstance(value, Mapping) else value
    return tuple((str(label), float(score)) for label, score in pairs)
