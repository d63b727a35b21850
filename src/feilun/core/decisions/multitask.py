"""Several tasks at once: the numbers of all stand side by side, and each task decides by its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from feilun.core.decisions.single import SINGLE, AnyDecision
from feilun.core.prediction import Prediction, Ranking, Reads


class TaskTarget(NamedTuple):
    """What is to be predicted of a row that belongs to one of several tasks.

    Args:
        task: Name of the task.
        kind: What it does, such as classify.
        value: The target, as that task has it.
    """

    task: str
    kind: str
    value: Any


@dataclass(frozen=True)
class OneTask:
    """A task among several.

    Args:
        name: Its name in the recipe.
        task: What it does, such as classify.
        labels: Its labels, or names of its numbers.
        decision: How its numbers become predictions.
    """

    name: str
    task: str
    labels: tuple[str, ...]
    decision: AnyDecision


@dataclass(frozen=True)
class MultitaskDecision:
    """How the numbers of several tasks become predictions; part of the bundle.

    Args:
        tasks: The tasks, in the order of their numbers.
        abstain_below: Kept at 0: each task has its own.
    """

    task: ClassVar[str] = "multitask"
    reads: ClassVar[Reads] = "pooled"

    tasks: tuple[OneTask, ...] = ()
    abstain_below: float = 0.0

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Read what `dataclasses.asdict` wrote.

        Raises:
            KeyError, TypeError, ValueError: If the table is not of that form.
        """
        return cls(
            tuple(
                OneTask(
                    str(own["name"]),
                    str(own["task"]),
                    tuple(map(str, own["labels"])),
                    SINGLE[str(own["task"])].from_table(own["decision"]),
                )
                for own in table["tasks"]
            )
        )

    def width(self, labels: int) -> int:
        """Return how many numbers the model gives for a text."""
        return sum(own.decision.width(len(own.labels)) for own in self.tasks)

    def parts(self) -> Iterator[tuple[OneTask, slice]]:
        """Yield each task with the place of its numbers."""
        start = 0
        for own in self.tasks:
            end = start + own.decision.width(len(own.labels))
            yield own, slice(start, end)
            start = end

    def with_decisions(self, decisions: Mapping[str, AnyDecision]) -> Self:
        """Return the same with other decisions, by name of the task."""
        return replace(self, tasks=tuple(replace(own, decision=decisions[own.name]) for own in self.tasks))

    def changed(
        self, before: NDArray[np.float32], after: NDArray[np.float32], names: tuple[str, ...]
    ) -> NDArray[np.bool_]:
        """Return which rows get another answer to any of the tasks, shape (rows,)."""
        moved = [own.decision.changed(before[:, at], after[:, at], own.labels) for own, at in self.parts()]
        changed: NDArray[np.bool_] = np.logical_or.reduce(moved)
        return changed

    def decide(self, logits: NDArray[np.float32], names: tuple[str, ...]) -> list[Prediction]:
        """Turn the numbers of all tasks into predictions.

        Args:
            logits: Shape (rows, numbers of all tasks).
            names: Labels of all tasks; each task has its own here.

        Returns:
            One prediction a row, with an answer to each task; its score is that of the least certain answer.
        """
        by_task = [(own.name, own.decision.decide(logits[:, at], own.labels)) for own, at in self.parts()]
        return [joined({name: answers[row] for name, answers in by_task}) for row in range(len(logits))]


def joined(answers: Mapping[str, Prediction]) -> Prediction:
    """Make one prediction of the answers to several tasks."""
    label = "; ".join(f"{name}: {answer.label}" for name, answer in answers.items())
    score = min(answer.score for answer in answers.values())
    abstained = any(answer.abstained for answer in answers.values())
    return Prediction(label, score, Ranking((), np.empty(0, np.float32)), abstained, answers=answers)


def qualified(task: str, label: str) -> str:
    """Return the name of a task's label among those of all tasks."""
    return f"{task}: {label}"
