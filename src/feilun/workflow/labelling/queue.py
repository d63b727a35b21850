"""The label queue as a table: written for a person to fill in, and read back as feedback."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feilun.bundles.bundle import Bundle
from feilun.core.answers.table import ANSWERS, AnswerKind
from feilun.core.errors import FeilunError, StorageError, UsageError
from feilun.core.remark import Remark, joined
from feilun.labelling.label_studio import Question
from feilun.monitoring.feedback import FeedbackDesk
from feilun.monitoring.label_queue import Suggestion, suggest
from feilun.monitoring.log import ObservationLog
from feilun.storage import observations
from feilun.storage.database import Database
from feilun.text.formulas import plain
from feilun.workflow.labelling.label_files import TASKS, filled_rows, read_answers, write_questions
from feilun.workflow.service import registered_labels

KEY = "observation"
"""What names a text in the table."""

LOOKED_AT = 20_000
"""Most predictions among which texts are suggested, the last ones."""


@dataclass
class Taken:
    """What came of reading a table.

    Args:
        taken: Labels that were taken.
        repeated: Labels that had been taken from such a table before.
        empty: Rows without a label.
        refused: Why others were not taken, a finished sentence each, with the row.
    """

    taken: int = 0
    repeated: int = 0
    empty: int = 0
    refused: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        return {"taken": self.taken, "repeated": self.repeated, "empty": self.empty, "refused": self.refused}


def queue(bundle: Bundle, database: Database, count: int) -> list[Suggestion]:
    """Return the texts that a person should label first, among the last that a model answered, in any version."""
    with database.read() as connection:
        window = observations.latest(connection, bundle.name, count=LOOKED_AT)
    return suggest(window, count)


def write_queue(suggestions: list[Suggestion], path: Path, labels: Sequence[str] = ()) -> None:
    """Write suggestions with room for a label.

    Args:
        suggestions: They.
        path: A table (.csv), or tasks for Label Studio (.json).
        labels: The labels to choose from, for Label Studio.

    Raises:
        UsageError: If tasks for Label Studio are wanted where an answer is not one label.
        StorageError: If it cannot be written.
    """
    if path.suffix.lower() == TASKS and any(one.observation.kind.field != "label" for one in suggestions):
        raise UsageError(
            Remark(
                "Tasks for Label Studio are written where a text has one label.",
                "只有每条文本一个标签时，才写 Label Studio 的任务。",
            ),
            Remark("Write a table: --out q.csv", "请写成表格：--out q.csv"),
        )
    write_questions(questions(suggestions), labels, path, KEY)


def questions(suggestions: Sequence[Suggestion]) -> list[Question]:
    """Return suggestions as questions to people."""
    return [
        Question(one.observation.id, one.observation.shown, one.observation.label, one.observation.score, one.reason)
        for one in suggestions
    ]


def take(bundle: Bundle, database: Database, path: Path) -> Taken:
    """Read the labels that a person filled in, as feedback; each row stands for itself.

    Reading a table again takes nothing twice. A label that differs from what was said before stands beside it.

    Args:
        bundle: The model's; its labels, and those of the version that answered, are valid.
        database: Where the observations are.
        path: The table, with the columns `observation` and `label` at least, or what Label Studio exported (.json).

    Returns:
        How many were taken, and why others were not.

    Raises:
        DataError: If the file cannot be read or lacks a column.
        StorageError: If the database refuses; the rows before are taken.
    """

    def labels(of: str) -> set[str]:
        own = of.rpartition("@")[0] == bundle.name
        return {*bundle.labels.names, *registered_labels(of)} if own else set()

    desk = FeedbackDesk(ObservationLog(database), labels)
    result = Taken()
    for place, identity, label in _told(path):
        if not label:
            result.empty += 1
            continue
        key = f"table {hashlib.sha256(label.encode()).hexdigest()[:32]}"
        try:
            given = desk.give(identity, key=key, cell=label)
        except StorageError:
            raise
        except FeilunError as error:
            result.refused.append(joined([place, error.message], ": ", "："))
            continue
        result.repeated += given.repeated
        result.taken += not given.repeated
    return result


def answers_of(bundle: Bundle) -> AnswerKind:
    """Return what the answers of a bundle are."""
    return ANSWERS[str(bundle.manifest["task"])]


def _told(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield where it stands, observation and label of each row, or of each label that was given in Label Studio."""
    if path.suffix.lower() == TASKS:
        for number, answer in enumerate(read_answers(path), 1):
            yield Remark(f"label {number}", f"第 {number} 个标签"), answer.identity, answer.label
        return
    for number, row in filled_rows(path, (KEY, "label")):
        yield Remark(f"row {number}", f"第 {number} 行"), row[KEY].strip(), plain(row["label"].strip())
