"""What is compared of a task's answers; a new task is a function and a line in the table."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.answers.table import answer_kind
from feilun.core.corpus import Corpus
from feilun.core.observation import ASKED_OTHERWISE
from feilun.core.remark import Remark
from feilun.monitoring.signals import Categories, Numbers, Sets, Values, numbers_of
from feilun.text.language import main_script

DIGITS = 4
"""Of scores and shares, as they are compared."""

TOKENS, FINISH = "answer_tokens", "finish_reasons"
"""Signals of written answers: how long they are, and how they end."""

SMALLEST_SCORE = 1e-6
"""Scores are remembered with six digits."""

Answers = Sequence[Mapping[str, Any]]
"""Predictions in the public JSON form."""


@dataclass(frozen=True)
class Watched:
    """What is compared of some predictions.

    Permuting rows is a test only where they are exchangeable. Candidates of one query are not: they share its text, and
    how much is relevant to it. Of each list the first candidate is looked at, so that lists are permuted. Conversations
    are unlike the single prompts that a model was validated on, and so is what was written otherwise than its bundle
    says: neither is looked at.

    Args:
        rows: Numbers of the predictions that are looked at, shape (rows,).
        signals: Values of these by name.
        which: Which predictions are looked at, in words; empty where all are.
    """

    rows: NDArray[np.int64]
    signals: Mapping[str, Values]
    which: str = ""

    def shares(self) -> dict[str, float]:
        """Return the share of each predicted label, or of each way in which written answers end.

        Of several tasks the task's name stands before them.
        """
        return {
            f"{name.removesuffix('labels').removesuffix(FINISH)}{label}": share
            for name, own in self.signals.items()
            if isinstance(own, Categories | Sets) and name.endswith(("labels", FINISH))
            for label, share in own.shares().items()
        }

    def quantiles(self, *shares: float) -> dict[str, list[float]]:
        """Return those quantiles of each predicted number, and of the tokens of written answers, where any is known."""
        found = {
            name: own.quantiles(*shares)
            for name, own in self.signals.items()
            if isinstance(own, Numbers) and (name.startswith(("value", TOKENS)) or ".value" in name)
        }
        return {name: values for name, values in found.items() if values}


def watched(rows: Corpus, predictions: Answers) -> Watched:
    """Take what is compared of answers.

    Args:
        rows: What was asked about.
        predictions: What was answered to each.

    Returns:
        It; no signals where there are no answers.
    """
    if not predictions:
        return Watched(np.arange(0), {})
    match answer_kind(predictions[0]).field:
        case "relevance":
            return _of_lists(rows, predictions)
        case "answer":
            return _of_prompts(predictions)
        case field:
            return Watched(np.arange(len(predictions)), SIGNALS[field](predictions))


def numbers_by_name(values: Sequence[Any]) -> dict[str, list[float]]:
    """Return numbers in their JSON form as columns: `value`, or `value NAME` of several."""
    if not values or not isinstance(values[0], Mapping):
        return {"value": list(values)}
    return {f"value {name}": [one[name] for one in values] for name in values[0]}


def _of_lists(rows: Corpus, predictions: Answers) -> Watched:
    """Return the first candidate of each query, and how many different ones it had."""
    best: dict[str, int] = {}
    candidates: dict[str, set[str]] = defaultdict(set)
    for row, (query, candidate, one) in enumerate(zip(rows.text, rows.pair or (), predictions, strict=True)):
        candidates[query].add(candidate)
        if query not in best or one["relevance"] > predictions[best[query]]["relevance"]:
            best[query] = row
    first = [predictions[row] for row in best.values()]
    signals = {
        **_of_label(first),
        "relevance": numbers_of([one["relevance"] for one in first], DIGITS),
        "candidates": numbers_of([len(candidates[query]) for query in best]),
    }
    return Watched(np.array(list(best.values()), dtype=np.int64), signals, "the first candidate of each query")


def _of_prompts(predictions: Answers) -> Watched:
    """Return what was written to single prompts as the bundle says."""
    alike = [i for i, one in enumerate(predictions) if not one.keys() & {*ASKED_OTHERWISE}]
    written = [predictions[i] for i in alike]
    signals: dict[str, Values] = {
        TOKENS: numbers_of([one.get("tokens") for one in written]),
        FINISH: Categories(tuple(str(one.get("finish_reason")) for one in written)),
        "log_likelihood": numbers_of([math.log(max(one["score"], SMALLEST_SCORE)) for one in written], DIGITS),
        "answer_scripts": Categories(tuple(main_script(one["text"]) for one in written)),
    }
    which = Remark("single prompts that were answered by the bundle's own settings", "按模型包自己的设置回答的单个提示")
    return Watched(np.array(alike, dtype=np.int64), signals, which)


def _of_label(predictions: Answers) -> dict[str, Values]:
    return {"labels": Categories(tuple(str(one["label"]) for one in predictions)), "scores": _scores(predictions)}


def _of_labels(predictions: Answers) -> dict[str, Values]:
    sets = tuple(tuple(sorted(one["labels"])) for one in predictions)
    return {
        "labels": Sets(sets),
        "label_counts": numbers_of([len(own) for own in sets]),
        "scores": _scores(predictions),
    }


def _of_spans(predictions: Answers) -> dict[str, Values]:
    found = [[span["label"] for span in one["spans"]] for one in predictions]
    return {
        "labels": Sets(tuple(tuple(sorted(set(own))) for own in found)),
        "span_counts": numbers_of([len(own) for own in found]),
        "scores": _scores(predictions),
    }


def _of_value(predictions: Answers) -> dict[str, Values]:
    return {name: numbers_of(values) for name, values in numbers_by_name([one["value"] for one in predictions]).items()}


def _of_tasks(predictions: Answers) -> dict[str, Values]:
    """Return the signals of each task, with its name before theirs."""
    found: dict[str, Values] = {}
    for task, own in predictions[0]["tasks"].items():
        signals = SIGNALS[answer_kind(own).field]([one["tasks"][task] for one in predictions])
        found |= {f"{task}.{name}": values for name, values in signals.items()}
    return found


def _scores(predictions: Answers) -> Numbers:
    return numbers_of([float(one["score"] or 0) for one in predictions], DIGITS)


SIGNALS: Mapping[str, Callable[[Answers], dict[str, Values]]] = {
    "label": _of_label,
    "labels": _of_labels,
    "spans": _of_spans,
    "tasks": _of_tasks,
    "value": _of_value,
}
"""What is compared, by the name under which answers are told."""
