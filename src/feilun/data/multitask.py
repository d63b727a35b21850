"""The rows of several tasks as three sets: each task's own rows, none of whose texts stands in another set."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from feilun.core.corpus import Corpus
from feilun.core.decisions.multitask import TaskTarget, qualified
from feilun.core.errors import DataError
from feilun.core.labels import LabelSet
from feilun.core.remark import Remark, said_in
from feilun.core.splits import Splits
from feilun.data.prepare import CountTokens, prepare
from feilun.data.settings import DataSettings


@dataclass(frozen=True)
class TaskRows:
    """Where the rows of a task come from.

    Args:
        name: Name of the task.
        kind: What it does, such as classify.
        data: Its table `[data]`.
    """

    name: str
    kind: str
    data: DataSettings


def prepare_tasks(
    tasks: list[TaskRows], count_tokens: CountTokens | None = None, max_tokens: int | None = None
) -> Splits:
    """Read, clean, check and split the rows of each task, and put them together.

    Args:
        tasks: The tasks.
        count_tokens: As for `prepare`.
        max_tokens: As for `prepare`.

    Returns:
        The sets: each row has the target of one task. A training row whose text another task judges by is left out;
        the report counts them. Labels have the name of their task before them.

    Raises:
        DataError: As `prepare`; the message begins with the name of the task.
    """
    parts = {task.name: _prepared(task, count_tokens, max_tokens) for task in tasks}
    judged = {text for own in parts.values() for held in (own.validation, own.test) for text in held.text}
    trained, shared = {}, {}
    for name, own in parts.items():
        kept = [row for row, text in enumerate(own.train.text) if text not in judged]
        shared[name] = len(own.train) - len(kept)
        if not kept:
            raise DataError(
                Remark(
                    f"Task {name!r}: every training text stands in the validation or test rows of another task.",
                    f"任务 {name!r}：每条训练文本都出现在另一个任务的验证行或测试行中。",
                ),
                Remark("Split the files of all tasks at the same texts.", "请让各任务的文件按相同的文本切分。"),
            )
        trained[name] = own.train.select(kept)
    kinds = {task.name: task.kind for task in tasks}
    train = together(trained, kinds)
    validation = together({name: own.validation for name, own in parts.items()}, kinds)
    test = together({name: own.test for name, own in parts.items()}, kinds)
    labels = tuple(qualified(name, label) for name, own in parts.items() for label in own.labels.names)
    content = "".join(f"{name} {len(trained[name])} {own.fingerprint}\n" for name, own in parts.items())
    fingerprint = hashlib.sha256(content.encode()).hexdigest()
    report = {"tasks": {name: _report(own, shared[name]) for name, own in parts.items()}, "fingerprint": fingerprint}
    profile = {"tasks": {name: dict(own.profile) for name, own in parts.items()}}
    return Splits(train, validation, test, LabelSet(labels), profile, fingerprint, report)


def _prepared(task: TaskRows, count_tokens: CountTokens | None, max_tokens: int | None) -> Splits:
    try:
        return prepare(task.data, count_tokens, max_tokens, task=task.kind)
    except DataError as error:
        raise DataError(
            Remark(f"Task {task.name!r}: {error.problem}", f"任务 {task.name!r}：{said_in('zh', error.problem)}"),
            Remark(_with_keys_of(task, error.remedy), _with_keys_of(task, said_in("zh", error.remedy))),
        ) from error


def _with_keys_of(task: TaskRows, sentence: str) -> str:
    """Write the keys of `[data]` in a sentence as a task's own."""
    return re.sub(r"(?<![A-Za-z0-9_.])data\.(?=\w)", f"tasks.{task.name}.data.", sentence)


def _report(own: Splits, shared: int) -> dict[str, Any]:
    if not shared:
        return dict(own.report)
    note = Remark(
        f"{shared:,} training rows are left out: another task is judged by their texts.",
        f"略去 {shared:,} 行训练数据：另一个任务要用它们的文本来评估。",
    )
    return {**own.report, "notes": [*own.report["notes"], note]}


def together(parts: Mapping[str, Corpus], kinds: Mapping[str, str]) -> Corpus:
    """Put the rows of several tasks behind each other, each with its own target, less columns that only some have."""
    features = set.intersection(*(set(own.features) for own in parts.values()))
    return Corpus(
        id=[f"{name}:{row}" for name, own in parts.items() for row in own.id],
        text=[text for own in parts.values() for text in own.text],
        target=[TaskTarget(name, kinds[name], value) for name, own in parts.items() for value in own.target or ()],
        features={key: [value for own in parts.values() for value in own.features[key]] for key in sorted(features)},
    )
