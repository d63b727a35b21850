"""Feedback: what people say of predictions, checked, kept and never overwritten."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass

from feilun.core.errors import FeilunError, UsageError, nearest
from feilun.core.observation import Feedback, Observation
from feilun.monitoring.log import ObservationLog
from feilun.monitoring.redaction import kept
from feilun.storage import observations


class UnknownObservation(FeilunError):
    """There is no observation of that id."""


class KeyReused(UsageError):
    """An idempotency key came again with something else."""


@dataclass(frozen=True)
class Given:
    """Feedback as it was taken.

    Args:
        feedback: It.
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
        label: str | None = None,
        correct: bool | None = None,
        text: str | None = None,
        key: str | None = None,
    ) -> Given:
        """Take feedback; once this returns it is on the disk.

        Args:
            observation: Id of the observation.
            label: The right label.
            correct: Thumbs up or down.
            text: Free words; personal data is replaced.
            key: Idempotency key: the same feedback sent again under it is taken once.

        Returns:
            The feedback, and all that was said of the same observation.

        Raises:
            UsageError: If it says nothing, contradicts itself, or names a label that the model does not know.
            UnknownObservation: If there is no such observation.
            KeyReused: If the key came before with something else.
            StorageError: If the database refuses; nothing was taken.
        """
        if label is None and correct is None and not (text and text.strip()):
            raise UsageError("The feedback says nothing.", 'Give a "label", "thumbs" ("up" or "down"), or a "text".')
        self.log.flush()
        said = Feedback(uuid.uuid4().hex, observation, time.time(), label, correct, kept(text) if text else None, key)
        with self.log.database.write() as connection:
            found = observations.find(connection, observation, hold=True)
            if found is None:
                raise UnknownObservation(
                    f"There is no observation {observation!r}.",
                    'Send the "observation" of a prediction as it was answered; old ones may have been deleted.',
                )
            before = next((one for one in found.feedback if key is not None and one.key == key), None)
            if before is not None:
                return _repeated(before, said, found)
            self._check(said, found)
            observations.give(connection, said)
            found = observations.find(connection, observation)
        assert found is not None  # noqa: S101
        return Given(said, found)

    def _check(self, said: Feedback, found: Observation) -> None:
        if said.label is not None:
            known = self.labels(found.bundle)
            if said.label not in known:
                hint = nearest(said.label, known) if known else "Its labels are not known here."
                raise UsageError(
                    f"{said.label!r} is no label of {found.bundle}. {hint}",
                    'What no label fits can be said in "text".',
                )
        if said.correct is not None and said.label is not None and said.correct != (said.label == found.label):
            thumb, same = ("up", "not ") if said.correct else ("down", "")
            raise UsageError(
                f"The feedback contradicts itself: thumbs {thumb}, but the label {said.label!r} is {same}the one "
                "that was predicted.",
                "Send the right label alone.",
            )


def _repeated(before: Feedback, said: Feedback, found: Observation) -> Given:
    if (before.label, before.correct, before.text) != (said.label, said.correct, said.text):
        raise KeyReused(
            f"The key {said.key!r} came before with other feedback on this observation.",
            "Take a new key for new feedback; what was said before stays.",
        )
    return Given(before, found, repeated=True)
