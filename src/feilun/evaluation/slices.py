"""Figures by group of rows: where a predictor is weak, the average does not tell."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.errors import UsageError, nearest
from feilun.core.remark import Remark, said_in
from feilun.evaluation.intervals import wilson
from feilun.evaluation.judgement import Judgement
from feilun.evaluation.metrics.single_label import from_totals
from feilun.text.language import languages_of

BUCKETS = 4
"""Buckets of about equal size that numbers and lengths are cut into."""

MOST_VALUES = 20
"""Values of a column that get a slice of their own; the rest share one."""

MISSING = "(missing)"

BUILT_IN = ("length", "language", "time", "group")
"""Slices made without a column of that name."""


def slice_columns(names: Iterable[str]) -> list[str]:
    """Return those slices that need a column of their own to be read: all but length, language, time and group."""
    return [name for name in names if name not in BUILT_IN]


def default_slices(corpus: Corpus) -> list[str]:
    """Name the slices that a corpus supports: length, language, time, group and its features."""
    names = ["length", "language"]
    names += ["time"] if corpus.time is not None else []
    names += ["group"] if corpus.group is not None else []
    return names + [name for name in corpus.features if name not in names]


def slice_figures(
    judgement: Judgement, corpus: Corpus, columns: Sequence[str]
) -> dict[str, dict[str, dict[str, float]]]:
    """Compute a classifier's figures for each value of each column.

    Args:
        judgement: Predictions beside the truth.
        corpus: The same rows.
        columns: As for `figures_by`.

    Returns:
        By column, then by value: `{n, accuracy, accuracy_low, accuracy_high, macro_f1}`; every row is in one slice of
        each column.

    Raises:
        UsageError: If the corpus has no such column.
    """
    return figures_by(corpus, columns, lambda own: _one(judgement, own))


def figures_by(
    corpus: Corpus, columns: Sequence[str], figures: Callable[[NDArray[np.bool_]], dict[str, float]]
) -> dict[str, dict[str, dict[str, float]]]:
    """Compute figures for each value of each column.

    Args:
        corpus: The rows.
        columns: Names of features, or `length`, `language`, `time` (by month), `group`; a feature of such a name wins.
        figures: Computes those of the rows for which its argument, of shape (rows,), is true.

    Returns:
        By column, then by value; every row is in one slice of each column.

    Raises:
        UsageError: If the corpus has no such column.
    """
    return {column: _figures(slice_values(corpus, column), figures) for column in columns}


def slice_values(corpus: Corpus, column: str) -> list[str]:
    """Return the name of each row's slice.

    Raises:
        UsageError: If the corpus has no such column.
    """
    if column in corpus.features:
        return _grouped(corpus.features[column])
    if column == "length":
        return _buckets([float(len(text)) for text in corpus.text])
    if column == "language":
        return [next(iter(languages_of([text])), "none") for text in corpus.text]
    if column == "time" and corpus.time is not None:
        return [str(time)[: len("2026-01")] if time else MISSING for time in corpus.time]
    if column == "group" and corpus.group is not None:
        return _grouped(corpus.group)
    raise UsageError(
        Remark(
            f"There is no column {column!r} to slice by. {nearest(column, default_slices(corpus))}",
            f"没有可供切片的列 {column!r}。{said_in('zh', nearest(column, default_slices(corpus)))}",
        ),
        Remark(
            "Name the column under evaluation.slices (or data.time, data.group) so that it is read.",
            "请在 evaluation.slices（或 data.time、data.group）中写明该列，这样才会读取它。",
        ),
    )


def natural_order(names: Iterable[str]) -> list[str]:
    """Sort names as a person would: by the number at their start where there is one, what is missing last."""
    return sorted(names, key=_natural_key)


def _figures(
    values: Sequence[str], figures: Callable[[NDArray[np.bool_]], dict[str, float]]
) -> dict[str, dict[str, float]]:
    names, slice_of = np.unique(values, return_inverse=True)
    positions = {str(name): i for i, name in enumerate(names)}
    return {name: figures(slice_of == positions[name]) for name in natural_order(positions)}


def _one(judgement: Judgement, own: NDArray[np.bool_]) -> dict[str, float]:
    """Compute the figures of the rows for which `own`, of shape (rows,), is true."""
    size = len(judgement.labels)
    targets, predicted = judgement.targets[own], judgement.predicted[own]
    hits = np.bincount(targets[targets == predicted], minlength=size)
    figures = from_totals(hits, np.bincount(targets, minlength=size), np.bincount(predicted, minlength=size))
    low, high = wilson(int(hits.sum()), len(targets))
    return {
        "n": len(targets),
        "accuracy": float(figures["accuracy"]),
        "accuracy_low": low,
        "accuracy_high": high,
        "macro_f1": float(figures["macro_f1"]),
    }


def _grouped(column: Sequence[Any]) -> list[str]:
    """Name the slices of a column: buckets of numbers, or its values, the rare ones of too many together."""
    numbers = [_number(value) for value in column]
    known = [n for n, value in zip(numbers, column, strict=True) if not _missing(value)]
    if len(set(known)) > MOST_VALUES and not any(math.isnan(number) for number in known):
        return _buckets(numbers)
    texts = [MISSING if _missing(value) else str(value) for value in column]
    counts = Counter(texts)
    if len(counts) <= MOST_VALUES:
        return texts
    kept = set(sorted(counts, key=lambda value: (-counts[value], value))[: MOST_VALUES - 1])
    rest = f"(other: {len(counts) - len(kept)} values)"
    return [text if text in kept else rest for text in texts]


def _buckets(numbers: Sequence[float]) -> list[str]:
    """Name each number's bucket by the lowest and highest number that it holds; NaN is missing."""
    values = np.array(numbers, dtype=np.float64)
    known = ~np.isnan(values)
    result = np.full(len(values), MISSING, dtype=object)
    if known.any():
        shares = np.arange(1, BUCKETS) / BUCKETS
        cuts = np.unique(np.quantile(values[known], shares, method="lower"))
        bucket = np.searchsorted(cuts, values, side="left")  # NaN sorts last; masked below
        for index in np.unique(bucket[known]):
            own = known & (bucket == index)
            low, high = values[own].min(), values[own].max()
            result[own] = _show(low) if low == high else f"{_show(low)}–{_show(high)}"
    return [str(name) for name in result]


def _show(number: float) -> str:
    return str(int(number)) if number == int(number) else f"{number:.4g}"


def _number(value: Any) -> float:
    try:
        return float("nan") if _missing(value) or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return float("nan")


def _missing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _natural_key(name: str) -> tuple[int, float, str]:
    number = re.match(r"-?\d+(\.\d+)?(e[+-]?\d+)?", name)
    if number and not re.match(r"\d{4}-\d\d$", name):
        return 0, float(number[0]), name
    return (2 if name.startswith("(") else 1), 0.0, name
