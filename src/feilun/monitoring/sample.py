"""What drift is looked for in: a few figures of each row and of what was said about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.answers.table import UNDIVIDED, answer_kind
from feilun.core.corpus import Corpus
from feilun.core.features import CategoryColumn, FeatureColumns, NumberColumn
from feilun.monitoring.redaction import kept_cell
from feilun.monitoring.signals import Categories, Numbers, Sets, Values, numbers_of
from feilun.text.language import script_shares

NOT_KNOWN, ANOTHER = "(not known)", "(another)"
"""How categories are called of which none is known, and which training did not see."""

DIGITS = 4
"""Of scores and shares, as they are compared."""


@dataclass(frozen=True)
class Sample:
    """Figures of some predictions.

    Args:
        rows: How many.
        signals: What is compared, by name; each has a value a row.
        states: Pooled states of the model, reduced, shape (some rows, dimensions); None where they are not known.
    """

    rows: int
    signals: Mapping[str, Values]
    states: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return self.rows

    def select(self, rows: NDArray[np.int64]) -> Sample:
        """Return the rows at these indices."""
        signals = {name: values.select(rows) for name, values in self.signals.items()}
        return Sample(len(rows), signals, None if self.states is None else self.states[rows])


def sample_of(
    rows: Corpus,
    predictions: Sequence[Mapping[str, Any]],
    unknown: NDArray[np.float64],
    states: NDArray[np.float32] | None = None,
    columns: FeatureColumns | None = None,
) -> Sample:
    """Take the figures of predictions.

    Args:
        rows: What was asked about, as it is stored: on both sides of a comparison personal data must be replaced alike.
        predictions: What was answered, in the public JSON form.
        unknown: Shares of unknown tokens, shape (rows,), or empty.
        states: Reduced pooled states, shape (rows, dimensions), or None.
        columns: The columns that the model reads beside the text, or None.
    """
    found = {**answer_signals(predictions), **_text_signals(rows)}
    for column in () if columns is None else columns.columns:
        found[f"column {column.name}"] = _column_signal(column, rows.features[column.name])
    if len(unknown):
        found["unknown"] = Numbers(unknown.round(DIGITS))
    return Sample(len(rows), found, states)


def answer_signals(predictions: Sequence[Mapping[str, Any]]) -> dict[str, Values]:
    """Return what is compared of answers, in their public JSON form; empty where the task's are not compared."""
    if not predictions or answer_kind(predictions[0]) is UNDIVIDED:
        return {}
    return SIGNALS[answer_kind(predictions[0]).field](predictions)


def _text_signals(rows: Corpus) -> dict[str, Values]:
    """Return lengths and scripts of the texts; of no text at all nothing."""
    texts = (
        rows.text if rows.pair is None else [f"{one} {other}" for one, other in zip(rows.text, rows.pair, strict=True)]
    )
    if not any(texts):
        return {}
    scripts = tuple(next(iter(script_shares([text])), "none") for text in texts)
    return {"characters": numbers_of([len(text) for text in texts]), "scripts": Categories(scripts)}


def _column_signal(column: NumberColumn | CategoryColumn, cells: Sequence[Any]) -> Values:
    """Return the cells of a column in an order of their own, so that from several columns no row can be told."""
    if isinstance(column, NumberColumn):
        return Numbers(np.sort(numbers_of(cells).values))
    known = {kept_cell(category) for category in column.categories}
    return Categories(
        tuple(sorted(NOT_KNOWN if cell is None else cell if cell in known else ANOTHER for cell in cells))
    )


def _scores(predictions: Sequence[Mapping[str, Any]]) -> Numbers:
    return numbers_of([float(one["score"] or 0) for one in predictions], DIGITS)


def _of_label(predictions: Sequence[Mapping[str, Any]]) -> dict[str, Values]:
    return {"labels": Categories(tuple(str(one["label"]) for one in predictions)), "scores": _scores(predictions)}


def _of_labels(predictions: Sequence[Mapping[str, Any]]) -> dict[str, Values]:
    sets = tuple(tuple(sorted(one["labels"])) for one in predictions)
    return {
        "labels": Sets(sets),
        "label_counts": numbers_of([len(own) for own in sets]),
        "scores": _scores(predictions),
    }


def _of_spans(predictions: Sequence[Mapping[str, Any]]) -> dict[str, Values]:
    found = [[span["label"] for span in one["spans"]] for one in predictions]
    return {
        "labels": Sets(tuple(tuple(sorted(set(own))) for own in found)),
        "span_counts": numbers_of([len(own) for own in found]),
        "scores": _scores(predictions),
    }


def _of_value(predictions: Sequence[Mapping[str, Any]]) -> dict[str, Values]:
    return {name: numbers_of(values) for name, values in numbers_by_name([one["value"] for one in predictions]).items()}


def numbers_by_name(values: Sequence[Any]) -> dict[str, list[float]]:
    """Return numbers in their JSON form as columns: `value`, or `value NAME` of several."""
    if not values or not isinstance(values[0], Mapping):
        return {"value": list(values)}
    return {f"value {name}": [one[name] for one in values] for name in values[0]}


SIGNALS: Mapping[str, Callable[[Sequence[Mapping[str, Any]]], dict[str, Values]]] = {
    "label": _of_label,
    "labels": _of_labels,
    "spans": _of_spans,
    "value": _of_value,
}
"""What is compared of a task's answers, by the field of the JSON that holds them."""
