"""What a judgement of a predictor says, ready for JSON and for the model card."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from feilun.core.remark import Remark, said_in

CURVE = "coverage_curve"
"""What the JSON form calls the coverage of decisions: numbers have a metric of the name `coverage`."""

LARGEST_MATRIX = 500
"""Labels up to which JSON holds the whole confusion matrix; of more, nearly all cells are empty."""

LARGEST_READ = 4_000
"""Labels up to which the matrix is built again from its cells: 128 MB; of more it stays empty."""


@dataclass(frozen=True)
class Figure:
    """A figure with its confidence interval, where the sample supports one.

    Args:
        value: The figure.
        low: Lower end of the 95 % bootstrap interval, or None.
        high: Upper end, or None.
    """

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Report:
    """What a judgement of a predictor says.

    Args:
        n: Rows judged.
        metrics: By name: accuracy, macro_f1, micro_f1, weighted_f1, roc_auc, log_loss,
            expected_calibration_error, … Which there are depends on the task; those that are not defined on the
            sample are absent.
        per_label: By label: precision, recall, f1, support.
        labels: Label names in the order of `confusion`.
        confusion: Counts, true label by row, predicted label by column; shape (labels, labels).
        calibration: Bins of the reliability curve: `{confidence, accuracy, count}`.
        coverage: Points of the coverage–accuracy curve: `{threshold, coverage, accuracy}`.
        slices: By column, then value: `{n, accuracy, macro_f1}`.
        bias_gaps: By column: largest difference of a metric between its groups.
        baselines: By baseline name: the same metrics on the same rows.
        decisions: How many rows the machine decides and errs on: `{n, decided, wrong, to_person, threshold, …}`.
        cost: Seconds, tokens, bytes and the like, by name.
        notes: Warnings and remarks, finished sentences; each a `Remark` where it knows its Chinese.
        task: What the predictor does.
    """

    n: int
    metrics: Mapping[str, Figure]
    per_label: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    labels: Sequence[str] = ()
    confusion: Sequence[Sequence[int]] = ()
    calibration: Sequence[Mapping[str, float]] = ()
    coverage: Sequence[Mapping[str, float]] = ()
    slices: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    bias_gaps: Mapping[str, float] = field(default_factory=dict)
    baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    decisions: Mapping[str, float] = field(default_factory=dict)
    cost: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()
    task: str = "classify"

    def value(self, metric: str) -> float:
        """Return a metric's value.

        Raises:
            KeyError: If the metric is not defined on the sample.
        """
        return self.metrics[metric].value

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form: metrics as plain top-level numbers, their intervals under `intervals`.

        Of more than `LARGEST_MATRIX` labels the matrix is left empty, and `confusion_cells` holds its cells above zero
        as [true label, predicted label, count], labels by their places in `labels`.
        """
        whole = len(self.confusion) <= LARGEST_MATRIX
        return {
            "task": self.task,
            "n": self.n,
            **{name: figure.value for name, figure in self.metrics.items()},
            "intervals": {n: [f.low, f.high] for n, f in self.metrics.items() if f.low is not None},
            "metrics": list(self.metrics),
            "per_label": {label: dict(row) for label, row in self.per_label.items()},
            "labels": list(self.labels),
            "confusion": [list(row) for row in self.confusion] if whole else [],
            **({} if whole else {"confusion_cells": list(_cells(self.confusion))}),
            "calibration": [dict(row) for row in self.calibration],
            CURVE: [dict(row) for row in self.coverage],
            "slices": {c: {v: dict(row) for v, row in values.items()} for c, values in self.slices.items()},
            "bias_gaps": dict(self.bias_gaps),
            "baselines": {name: dict(row) for name, row in self.baselines.items()},
            "decisions": dict(self.decisions),
            "cost": dict(self.cost),
            "notes": [str(note) for note in self.notes],
            "notes_zh": [said_in("zh", note) for note in self.notes],
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Report:
        """Read what `to_json` wrote."""
        intervals = value["intervals"]
        told = (name for name in value["metrics"] if not isinstance(value[name], list))  # once a curve hid the figure
        metrics = {name: Figure(value[name], *intervals.get(name, ())) for name in told}
        plain = (
            "n", "per_label", "labels", "confusion", "calibration", "slices", "bias_gaps", "baselines", "decisions",
            "cost",
        )  # fmt: skip
        notes = [Remark(*both) for both in zip(value["notes"], value.get("notes_zh", value["notes"]), strict=True)]
        task = value.get("task", "classify")  # reports of the first version name none
        known = {name: value[name] for name in plain} | {"coverage": value[CURVE if CURVE in value else "coverage"]}
        if "confusion_cells" in value and len(value["labels"]) <= LARGEST_READ:
            known["confusion"] = _matrix(value["confusion_cells"], len(value["labels"]))
        return Report(metrics=metrics, task=task, notes=notes, **known)


def _cells(matrix: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Yield the cells above zero of a matrix as [row, column, count]."""
    for number, row in enumerate(matrix):
        yield from ([number, column, count] for column, count in enumerate(row) if count)


def _matrix(cells: Iterable[Sequence[int]], size: int) -> list[list[int]]:
    matrix = [[0] * size for _ in range(size)]
    for row, column, count in cells:
        matrix[row][column] = count
    return matrix
