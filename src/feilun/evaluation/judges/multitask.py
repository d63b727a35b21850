"""Several tasks at once: each judged on its own rows as it would be alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.decisions.multitask import MultitaskDecision, OneTask, joined, qualified
from feilun.core.decisions.single import SINGLE
from feilun.core.errors import DataError
from feilun.core.labels import LabelSet
from feilun.core.ports import Predictor
from feilun.core.prediction import Prediction
from feilun.core.remark import Remark
from feilun.core.report import Figure, Report
from feilun.evaluation.calibration import Abstention
from feilun.evaluation.judges.request import ReportRequest, checked

if TYPE_CHECKING:
    from feilun.evaluation.judges.table import Judge

MEAN = "mean"
"""Mean of the tasks' first figures."""

BASELINES = ("the same answer to all", "TF-IDF + linear model")
"""What the baselines of the tasks, in the order in which their judges give them, are called together."""


@dataclass(frozen=True)
class OneAnswer:
    """What a predictor of several tasks says to one of them; a Predictor.

    Args:
        predictor: Answers all.
        name: Name of the task.
    """

    predictor: Predictor
    name: str

    def predict(self, corpus: Corpus) -> list[Prediction]:
        """Return one prediction a row, in the order of the rows."""
        return [(prediction.answers or {})[self.name] for prediction in checked(self.predictor, corpus)]


@dataclass(frozen=True)
class Several:
    """Predictors of single tasks as one of several; a Predictor.

    Args:
        by_task: The predictor of each task.
    """

    by_task: Mapping[str, Predictor]

    def predict(self, corpus: Corpus) -> list[Prediction]:
        """Return one prediction a row, with an answer to each task."""
        answers = {name: checked(predictor, corpus) for name, predictor in self.by_task.items()}
        return [joined({name: own[row] for name, own in answers.items()}) for row in range(len(corpus))]


class MultitaskJudge:
    """Judges models that answer several tasks at once.

    Args:
        judges: The judge of each kind of task.
    """

    metrics = (MEAN,)

    def __init__(self, judges: Mapping[str, Judge]) -> None:
        self.judges = judges

    def figures(
        self, logits: NDArray[np.float32], corpus: Corpus, labels: LabelSet, decision: MultitaskDecision
    ) -> dict[str, float]:
        """Compute the figures while training.

        Args:
            logits: The numbers of all tasks, shape (rows, numbers).
            corpus: The rows, each with the target of one task.
            labels: Labels of all tasks.
            decision: Knows the tasks.

        Returns:
            Those of each task, its name and a point before each, the first of a task's figures first; and their mean.
        """
        found: dict[str, float] = {}
        for own, at in decision.parts():
            rows, part = of_task(corpus, own.name)
            judge = self.judges[own.task]
            measured = judge.figures(logits[rows, at], part, LabelSet(own.labels), own.decision)
            found |= {f"{own.name}.{name}": measured[name] for name in judge.metrics if name in measured}
        firsts = [f"{own.name}.{self.judges[own.task].metrics[0]}" for own in decision.tasks]
        return {MEAN: mean_of(found, firsts), **found}

    def calibrate(
        self,
        logits: NDArray[np.float32],
        corpus: Corpus,
        labels: LabelSet,
        decision: MultitaskDecision,
        abstention: Abstention | None,
    ) -> MultitaskDecision:
        """Calibrate each task on its own rows."""
        fitted = {}
        for own, at in decision.parts():
            rows, part = of_task(corpus, own.name)
            labels_of_task = LabelSet(own.labels)
            judge = self.judges[own.task]
            fitted[own.name] = judge.calibrate(logits[rows, at], part, labels_of_task, own.decision, abstention)
        return decision.with_decisions(fitted)

    def baselines(self, train: Corpus, validation: Corpus, labels: LabelSet) -> dict[str, Predictor]:
        """Fit the baselines of each task; those of a rank stand together."""
        by_task: dict[str, list[Predictor]] = {}
        for own in tasks_of(train, labels):
            trained, chosen_by = (of_task(corpus, own.name)[1] for corpus in (train, validation))
            found = self.judges[own.task].baselines(trained, chosen_by, LabelSet(own.labels))
            by_task[own.name] = list(found.values())
        return {
            name: Several({task: own[min(rank, len(own) - 1)] for task, own in by_task.items()})
            for rank, name in enumerate(BASELINES)
        }

    def report(self, predictor: Predictor, corpus: Corpus, asked: ReportRequest) -> Report:
        """Judge a predictor, each task on the rows that have its target, and the mean by the tasks that have rows.

        Raises:
            DataError: If no row has a target of one of the tasks.
        """
        reports = {}
        for name, example in (asked.example.answers or {}).items():
            _, part = of_task(corpus, name)
            if not len(part):
                continue
            baselines = {other: OneAnswer(predictor, name) for other, predictor in asked.baselines.items()}
            own = replace(asked, example=example, baselines=baselines)
            reports[name] = self.judges[example.task].report(OneAnswer(predictor, name), part, own)
        if not reports:
            raise DataError(
                Remark("No row has a target of one of the model's tasks.", "没有一行带模型任一任务的目标。"),
                Remark("Give rows of one of them at least.", "请至少给出一个任务的行。"),
            )
        return self._together(reports, {name: (asked.example.answers or {})[name].task for name in reports})

    def _together(self, reports: Mapping[str, Report], kinds: Mapping[str, str]) -> Report:
        firsts = [f"{name}.{self.judges[kind].metrics[0]}" for name, kind in kinds.items()]
        metrics = {f"{name}.{key}": figure for name, own in reports.items() for key, figure in own.metrics.items()}
        baselines: dict[str, dict[str, float]] = {}
        for name, own in reports.items():
            for other, row in own.baselines.items():
                entry = baselines.setdefault(other, {})
                for key, value in row.items():
                    entry[f"{name}.{key}"] = value
                    if key.startswith("only_"):
                        entry[key] = entry.get(key, 0) + value
        for entry in baselines.values():
            entry[MEAN] = mean_of(entry, firsts)
        mean = mean_of({name: figure.value for name, figure in metrics.items()}, firsts)
        return Report(
            n=sum(own.n for own in reports.values()),
            metrics={MEAN: Figure(mean), **metrics},
            per_label={
                qualified(name, label): row
                for name, own in reports.items()
                for label, row in own.per_label.items()
                if "f1" in row
            },
            labels=tuple(qualified(name, label) for name, own in reports.items() for label in own.labels),
            slices={f"{name}: {c}": rows for name, own in reports.items() for c, rows in own.slices.items()},
            baselines=baselines,
        )


def mean_of(figures: Mapping[str, float], names: Sequence[str]) -> float:
    """Return the mean of those of some figures that are defined on the rows; 0 where none is."""
    found = [figures[name] for name in names if name in figures]
    return float(np.mean(found)) if found else 0.0


def of_task(corpus: Corpus, name: str) -> tuple[NDArray[np.int64], Corpus]:
    """Return the rows that have a target of a task, and these with that target alone."""
    targets = corpus.target or ()
    rows = np.array([i for i, target in enumerate(targets) if target.task == name], dtype=np.int64)
    part = corpus.select(rows.tolist())
    return rows, replace(part, target=[target.value for target in part.target or ()])


def tasks_of(corpus: Corpus, labels: LabelSet) -> list[OneTask]:
    """Read the tasks off the targets of rows, with decisions that are not fitted yet."""
    found = dict.fromkeys((target.task, target.kind) for target in corpus.target or ())
    tasks = []
    for name, kind in found:
        before = qualified(name, "")
        own = tuple(label.removeprefix(before) for label in labels.names if label.startswith(before))
        tasks.append(OneTask(name, kind, own, SINGLE[kind]()))
    return tasks


def correct_rows(
    qualities: Mapping[str, Any], logits: NDArray[np.float32], corpus: Corpus, decision: MultitaskDecision
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Say which rows are right, shape (rows,), and count of each row and task whether it is and has one.

    Args:
        qualities: How rows are told right, by kind of task.
        logits: Shape (rows, numbers).
        corpus: The rows.
        decision: Knows the tasks.

    Returns:
        Also the counts, shape (rows, 2, tasks): right, and 1 for the row's own task.
    """
    right = np.zeros(len(corpus), dtype=np.bool_)
    counts = np.zeros((len(corpus), 2, len(decision.tasks)), dtype=np.int64)
    for number, (own, at) in enumerate(decision.parts()):
        rows, part = of_task(corpus, own.name)
        right[rows], _ = qualities[own.task].rows(logits[rows, at], part, LabelSet(own.labels), own.decision)
        counts[rows, 0, number], counts[rows, 1, number] = right[rows], 1
    return right, counts
