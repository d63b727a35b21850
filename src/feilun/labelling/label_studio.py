"""Texts as tasks of Label Studio, and the labels that people gave there; its JSON and its JSON-MIN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

from feilun.core.errors import DataError
from feilun.core.remark import Remark

FIELD, SHOWN = "label", "text"
"""Names in the labelling interface: what is chosen, and what is looked at."""


@dataclass(frozen=True)
class Question:
    """A text that waits for a label.

    Args:
        identity: Names it: a row, or an observation.
        text: The text to be labelled.
        predicted: What a model says of it.
        score: How sure that is, 0 to 1.
        reason: Why it is worth a label.
    """

    identity: str
    text: str
    predicted: str | None
    score: float | None
    reason: str


@dataclass(frozen=True)
class Answer:
    """A label that a person gave.

    Args:
        identity: Names the text.
        text: The text that was labelled.
        person: Who gave it: a number or a file's name.
        label: The label's name.
    """

    identity: str
    text: str
    person: str
    label: str


def tasks(questions: Sequence[Question], key: str) -> list[dict[str, Any]]:
    """Return tasks to import; what a model says goes along as a prediction.

    Args:
        questions: The texts.
        key: The field of a task that holds the identity: `row` or `observation`.
    """
    found = []
    for one in questions:
        task: dict[str, Any] = {"data": {SHOWN: one.text, key: one.identity, "reason": one.reason}}
        if one.predicted is not None:
            chosen = {"from_name": FIELD, "to_name": SHOWN, "type": "choices", "value": {"choices": [one.predicted]}}
            task["predictions"] = [{"score": one.score, "result": [chosen]}]
        found.append(task)
    return found


def interface(labels: Sequence[str]) -> str:
    """Return the labelling interface, as Label Studio's settings take it."""
    choices = "\n".join(f"    <Choice value={quoteattr(label)}/>" for label in labels)
    return (
        f'<View>\n  <Text name="{SHOWN}" value="${SHOWN}"/>\n'
        f'  <Choices name="{FIELD}" toName="{SHOWN}" choice="single" showInLine="true">\n{choices}\n'
        "  </Choices>\n</View>\n"
    )


def answers(content: Any, keys: Sequence[str], source: str) -> Iterator[Answer]:
    """Read what was exported, as JSON or as JSON-MIN; skipped tasks and those without a choice give nothing.

    Args:
        content: The file's JSON.
        keys: Fields that may hold the identity of a text, the first that is there counts; else its text.
        source: The file, for messages.

    Raises:
        DataError: If it is no export, or a task has several labels.
    """
    if not isinstance(content, list) or not all(isinstance(task, Mapping) for task in content):
        raise DataError(
            Remark(f"{source} is no export of Label Studio.", f"{source} 不是 Label Studio 的导出文件。"),
            Remark("Export the project as JSON or JSON-MIN.", "请把项目导出为 JSON 或 JSON-MIN。"),
        )
    for number, task in enumerate(content, 1):
        data = task["data"] if isinstance(task.get("data"), Mapping) else task
        text = str(data.get(SHOWN, ""))
        identity = next((str(data[key]) for key in keys if data.get(key) not in (None, "")), text)
        for person, chosen in _chosen(task):
            if len(chosen) > 1:
                raise DataError(
                    Remark(
                        f"{source}, task {number}: {len(chosen)} labels ({', '.join(chosen[:3])}), where one is "
                        "wanted.",
                        f"{source} 第 {number} 个任务：有 {len(chosen)} 个标签（{'、'.join(chosen[:3])}），"
                        "应只有一个。",
                    ),
                    Remark(
                        'Set choice="single" in the labelling interface, and label the task again.',
                        '请在标注界面设置 choice="single"，并重新标注该任务。',
                    ),
                )
            for label in chosen:
                yield Answer(identity, text, person, label)


def _chosen(task: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield each person with the labels they chose."""
    if not isinstance(task.get("annotations"), list):  # JSON-MIN: one line for each annotation
        value = task.get(FIELD, [])
        value = value.get("choices", []) if isinstance(value, Mapping) else value
        yield _person(task.get("annotator")), [value] if isinstance(value, str) else [str(one) for one in value or ()]
        return
    for annotation in task["annotations"]:
        if annotation.get("was_cancelled"):
            continue
        results = [one.get("value", {}) for one in annotation.get("result", []) if one.get("from_name") == FIELD]
        choices = [str(label) for value in results for label in value.get("choices", ())]
        yield _person(annotation.get("completed_by")), choices


def _person(said: Any) -> str:
    """Return a person's number, never an address."""
    return str(said.get("id", "?") if isinstance(said, Mapping) else "?" if said is None else said)
