"""Feedback: what people say of predictions, checked, kept and never overwritten."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from feilun.core.decisions.multitask import qualified
from feilun.core.errors import NotFound, UsageError
from feilun.core.observation import Feedback, Observation
from feilun.core.remark import Remark
from feilun.monitoring.log import ObservationLog
from feilun.monitoring.redaction import kept, kept_words
from feilun.storage import observations

LONGEST_KEY = 200
"""Characters of an idempotency key that the database keeps."""


class UnknownObservation(NotFound):
    """There is no observation of that id."""


class KeyReused(UsageError):
    """An idempotency key came again with something else."""


@dataclass(frozen=True)
class Given:
    """Feedback as it was taken.

    Args:
        feedback: What was taken.
        observation: What it speaks of, with all feedback on it.
        repeated: Whether the same was taken before under the same key, and nothing was written.
    """

    feedback: Feedback
    observation: Observation
    repeated: bool = False


class FeedbackDesk:
    """Takes feedback on observations of a log.

    Args:
        log: Where the observations are; what still waits there is written first.
        labels: Returns the labels that a bundle, `name@version`, knows; empty where they cannot be found.
    """

    def __init__(self, log: ObservationLog, labels: Callable[[str], Collection[str]]) -> None:
        self.log = log
        self.labels = labels

    def give(
        self,
        observation: str,
        *,
        correct: bool | None = None,
        text: str | None = None,
        key: str | None = None,
        cell: str | None = None,
        **told: Any,
    ) -> Given:
        """Take feedback; once this returns it is on the disk.

        Args:
            observation: Id of the observation; `ID/TASK` speaks of the answer to one of several tasks.
            correct: Thumbs up or down.
            text: Free words; personal data is replaced.
            key: Idempotency key: the same feedback sent again under it is taken once.
            cell: The right answer as a person wrote it into a table, whatever its name.
            told: The right answer, by the name under which the prediction has its own, such as `label`.

        Returns:
            The feedback, and all that was said of the same observation.

        Raises:
            UsageError: If it says nothing, contradicts itself, or tells an answer that the model cannot give.
            UnknownObservation: If there is no such observation.
            KeyReused: If the key came before with something else.
            StorageError: If the database refuses; nothing was taken.
        """
        told = {field: answer for field, answer in told.items() if answer is not None}
        if not told and cell is None and correct is None and not (text and text.strip()):
            raise UsageError(
                Remark("The feedback says nothing.", "反馈里什么也没说。"),
                Remark(
                    'Give the right answer, such as a "label", "thumbs" ("up" or "down"), or a "text".',
                    '请给出正确答案，例如 "label"，或 "thumbs"（"up" 或 "down"），或 "text"。',
                ),
            )
        self.log.flush()
        identity, _, task = observation.partition("/")
        key = _key_of(task, key)
        with self.log.database.write() as connection:
            whole = observations.find(connection, identity, hold=True)
            found = None if whole is None else whole.part(task)
            if found is None:
                raise UnknownObservation(
                    Remark(f"There is no observation {observation!r}.", f"没有观测 {observation!r}。"),
                    Remark(
                        'Send the "observation" of a prediction as it was answered; old ones may have been deleted.',
                        '请发送预测回答里的 "observation"；旧的观测可能已被删除。',
                    ),
                )
            words = kept(text) if text else None
            answer = self._answer(told, cell, found)
            before = next((one for one in found.feedback if key is not None and one.key == key), None)
            if before is not None:
                return _repeated(before, found, (answer, correct, words))
            said = Feedback(uuid.uuid4().hex, identity, time.time(), answer, correct, words, key)
            _check_thumbs(said, found)
            observations.give(connection, replace(said, answer={task: answer}) if task else said)
            whole = observations.find(connection, identity)
        assert whole is not None  # noqa: S101
        return Given(said, whole.part(task) or whole)

    def _answer(self, told: Mapping[str, Any], cell: str | None, found: Observation) -> Any:
        """Return the right answer that was told, checked; None where none was."""
        field = found.kind.field
        wrong = next((name for name in told if name != field), None)
        if wrong is not None and len(found.parts) < 2:
            raise UsageError(
                Remark(f"{found.bundle} does not answer with {wrong!r}.", f"{found.bundle} 的答案不是 {wrong!r}。"),
                Remark(f"Tell the right answer as {field!r}.", f"请用 {field!r} 给出正确答案。"),
            )
        said = told.get(wrong or field, cell)  # of several tasks at once no answer is taken, whatever it is called
        if said is None:
            return None
        answer = found.kind.checked(said, found, self._names(found))
        return kept_words(answer) if found.kind.free_text else answer

    def _names(self, found: Observation) -> Collection[str]:
        """Return the labels that an answer may have; those of one of several tasks without its name."""
        names, before = self.labels(found.bundle), qualified(found.task, "")
        if not found.task:
            return names
        return [name.removeprefix(before) for name in names if name.startswith(before)]


def _key_of(task: str, key: str | None) -> str | None:
    """Return an idempotency key as it is kept: the answers of one observation have each their own."""
    if key is None or not task:
        return key
    own = f"{task}/{key}"
    return own if len(own) <= LONGEST_KEY else hashlib.sha256(own.encode()).hexdigest()


def _check_thumbs(said: Feedback, found: Observation) -> None:
    """Refuse thumbs that say nothing of such an answer, or contradict the answer that was told."""
    if said.correct is None:
        return
    if not found.kind.thumbs:
        raise UsageError(
            Remark(
                f"What {found.bundle} gives is seldom just right or wrong.",
                f"{found.bundle} 给出的结果很难说只是对或错。",
            ),
            Remark(f"Tell {found.kind.field!r}.", f"请用 {found.kind.field!r} 给出正确答案。"),
        )
    if said.answer is None:
        return
    same = found.kind.right(found.prediction, found.kind.target(said.answer))
    if said.correct != same:
        thumb, is_it = ("up", "not ") if said.correct else ("down", "")
        raise UsageError(
            Remark(
                f"The feedback contradicts itself: thumbs {thumb}, but the {found.kind.field} {said.answer!r} is "
                f"{is_it}the one that was predicted.",
                f"反馈自相矛盾：thumbs 是 {thumb}，但 {found.kind.field} {said.answer!r} "
                f"{'不' if said.correct else ''}是预测的那个。",
            ),
            Remark("Send the right answer alone.", "请只发送正确答案。"),
        )


def _repeated(before: Feedback, found: Observation, said: tuple[Any, bool | None, str | None]) -> Given:
    if (before.answer, before.correct, before.text) != said:
        raise KeyReused(
            Remark(
                f"The key {before.key!r} came before with other feedback on this observation.",
                f"键 {before.key!r} 已经用来发过对这条观测的另一个反馈。",
            ),
            Remark(
                "Take a new key for new feedback; what was said before stays.",
                "新的反馈请用新的键；以前所说的保持不变。",
            ),
        )
    return Given(before, found, repeated=True)
