"""Opens the teachers of a recipe and asks them about its training rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from feilun.bundles.bundle import Bundle, open_bundle
from feilun.core.corpus import Corpus
from feilun.core.errors import UsageError
from feilun.core.labels import LabelSet
from feilun.core.prediction import Decision
from feilun.core.remark import Remark
from feilun.core.splits import Splits
from feilun.models.bases.base import Base
from feilun.training.distil import Lessons, lessons_of
from feilun.training.settings import TrainingSettings
from feilun.workflow.label_spreading import spread


def teach(
    training: TrainingSettings, splits: Splits, task: str, unlabelled: list[str], base: Base
) -> tuple[Splits, Lessons | None]:
    """Ask the teachers of a recipe about its rows, or spread labels to its unlabelled texts.

    Args:
        training: The table `[training]`.
        splits: The rows of the recipe.
        task: The recipe's.
        unlabelled: Further texts; they join the training rows with the label that they are given.
        base: Reads the texts, where labels are spread.

    Returns:
        The splits, their training rows lengthened by unlabelled texts, and what is said about these; where nothing
        teaches the splits as they are, and None.

    Raises:
        BundleError: If a teacher cannot be opened.
        UsageError: If one is of another task, or has other labels.
    """
    if training.semi_supervised == "spread":
        return spread(base, splits, unlabelled)
    settings = training.distil
    if not settings.teachers:
        return splits, None
    teachers = [open_bundle(reference) for reference in settings.teachers]
    for teacher in teachers:
        _check(teacher, splits.labels, task)
    corpus = _with(splits.train, unlabelled)
    lessons = lessons_of([_probabilities(teacher, corpus, splits.labels) for teacher in teachers], settings)
    told = splits.labels.decode(lessons.said[len(splits.train) :].argmax(1).tolist())
    train = replace(corpus, target=[*(splits.train.target or ()), *told])
    return replace(splits, train=train), lessons


def _check(teacher: Bundle, labels: LabelSet, task: str) -> None:
    own = str(teacher.manifest.get("task"))
    if own != task:
        raise UsageError(
            Remark(
                f"The teacher {teacher.path} is of the task {own}, but the recipe's is {task}.",
                f"教师 {teacher.path} 的任务是 {own}，而配方的任务是 {task}。",
            ),
            Remark(
                "Name bundles of the same task in training.distil.teachers.",
                "请在 training.distil.teachers 里写同一任务的模型包。",
            ),
        )
    missing, more = set(labels.names) - set(teacher.labels.names), set(teacher.labels.names) - set(labels.names)
    if missing or more:
        shown = ", ".join(repr(name) for name in sorted(missing | more)[:5])
        raise UsageError(
            Remark(
                f"The teacher {teacher.path} has other labels than the recipe's rows; the two differ in {shown}.",
                f"教师 {teacher.path} 的标签与配方各行的不同；两者的差别：{shown}。",
            ),
            Remark("Train the teacher on rows with the same labels.", "请用标签相同的行训练教师。"),
        )


def _with(train: Corpus, unlabelled: list[str]) -> Corpus:
    """Return the texts and pairs of the training rows, then the unlabelled texts."""
    ids = [*train.id, *(f"unlabelled {i}" for i in range(1, len(unlabelled) + 1))]
    return Corpus(id=ids, text=[*train.text, *unlabelled], pair=train.pair)


def _probabilities(teacher: Bundle, corpus: Corpus, labels: LabelSet) -> NDArray[np.float32]:
    """Return a teacher's calibrated probabilities in the order of the recipe's labels, shape (rows, labels)."""
    decision = teacher.predictor.decision
    assert isinstance(decision, Decision)  # noqa: S101 - the tasks that have teachers
    order = teacher.labels.encode(labels.names)
    return decision.probabilities(teacher.predictor.logits(corpus))[:, order]
