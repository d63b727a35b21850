"""A prediction that was given, as it is remembered, and what people said of it."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from feilun.core.answers.table import AnswerKind, answer_kind
from feilun.core.corpus import Corpus
from feilun.core.features import verbalised
from feilun.core.row_columns import RowColumns

ONE_TEXT = RowColumns()

TURNS, OVERRIDDEN = "turns", "overridden"
ASKED_OTHERWISE = (TURNS, OVERRIDDEN)
"""What a prediction holds besides its JSON where it was not asked as the model was validated: of a conversation with
several turns, how many these are; and whether the caller chose how its answer was written."""


@dataclass(frozen=True)
class Feedback:
    """What one person said of one prediction.

    Args:
        id: Names it.
        observation: The prediction that it speaks of.
        time: When it was received, in seconds since 1970 (UTC).
        answer: The right answer, in the form in which the prediction's JSON holds its own, where the person told it.
        correct: Thumbs up or down, where the person gave it.
        text: Free words, personal data replaced.
        key: The sender's idempotency key, where it gave one.
    """

    id: str
    observation: str
    time: float
    answer: Any = None
    correct: bool | None = None
    text: str | None = None
    key: str | None = None

    def of_task(self, task: str) -> Feedback | None:
        """Return what it says of the answer to one of several tasks; None where it says nothing of that one.

        An answer to one task is kept under the task's name. A thumb up for all answers is one for each; a thumb down
        leaves open which of them is wrong.
        """
        if self.answer is None:
            return self if self.correct else None
        return replace(self, answer=self.answer[task]) if task in self.answer else None


@dataclass(frozen=True)
class Observation:
    """A prediction that was given.

    Args:
        id: Names it; the answer carried it.
        time: When it was given, in seconds since 1970 (UTC) by the service's clock.
        bundle: What gave it: name@version.
        text: The text, cleaned, personal data replaced.
        prediction: What was answered, in the public JSON form.
        latency: Seconds from the request to the prediction.
        feedback: What people said of it, earliest first.
        pair: The second text, likewise, where the model reads two.
        features: The columns that the model reads beside the text, by name; personal data in words replaced.
    """

    id: str
    time: float
    bundle: str
    text: str
    prediction: Mapping[str, Any]
    latency: float
    feedback: tuple[Feedback, ...] = ()
    pair: str | None = None
    features: Mapping[str, Any] | None = None

    @property
    def model(self) -> str:
        """Return the name of the model."""
        return self.bundle.rpartition("@")[0]

    @property
    def version(self) -> str:
        """Return its version."""
        return self.bundle.rpartition("@")[2]

    @property
    def label(self) -> str | None:
        """Return the answer as it is shown."""
        return self.prediction.get("label")

    @property
    def score(self) -> float | None:
        """Return the calibrated probability of the label, where the task has one."""
        return self.prediction.get("score")

    @property
    def turns(self) -> int:
        """Return how many turns the text has: more than one where it is a conversation that was answered."""
        return int(self.prediction.get(TURNS, 1))

    @property
    def row(self) -> str:
        """Return what was asked about as one text: equal for equal rows, the text itself where there is no more."""
        return row_key(self.text, self.pair, self.features)

    @property
    def shown(self) -> str:
        """Return what was asked about as a person reads it: columns, text and second text."""
        text = self.text if self.pair is None else f"{self.text}\n{self.pair}"
        return verbalised(tuple(self.features), tuple(self.features.values()), text) if self.features else text

    @property
    def task(self) -> str:
        """Return which of several tasks it answers; empty where there is but one."""
        return self.id.partition("/")[2]

    @property
    def parts(self) -> tuple[Observation, ...]:
        """Return the answer to each of several tasks as a prediction of its own; else the prediction itself."""
        return tuple(self._part(name, own) for name, own in self.prediction.get("tasks", {}).items()) or (self,)

    def part(self, task: str) -> Observation | None:
        """Return the answer to a task, where none is named the prediction itself; None where there is no such task."""
        return next((one for one in (self, *self.parts) if one.task == task), None)

    @property
    def kind(self) -> AnswerKind:
        """Return what the answers of its task are."""
        return answer_kind(self.prediction)

    @property
    def answer(self) -> Hashable | None:
        """Return the predicted answer as a target."""
        answer = self.kind.own(self.prediction)
        return None if answer is None else self.kind.target(answer)

    @property
    def right_answers(self) -> frozenset[Hashable]:
        """Return every answer, as a target, that somebody called right: by telling it, or by a thumb up."""
        kind, found = self.kind, set()
        for said in self.feedback:
            if said.answer is not None:
                found.add(kind.target(said.answer))
            elif said.correct and self.answer is not None:
                found.add(self.answer)
        return frozenset(found)

    @property
    def refused(self) -> bool:
        """Say whether somebody called the prediction wrong."""
        return any(feedback.correct is False for feedback in self.feedback)

    @property
    def conflicting(self) -> bool:
        """Say whether people disagree: two answers are called right, or the predicted one both right and wrong."""
        if len(self.parts) > 1:
            return any(part.conflicting for part in self.parts)
        return len(self.right_answers) > 1 or (self.refused and self.answer in self.right_answers)

    @property
    def known_answer(self) -> Hashable | None:
        """Return the right answer as a target where feedback tells it and nobody disagrees."""
        return next(iter(self.right_answers)) if len(self.right_answers) == 1 and not self.conflicting else None

    def _part(self, task: str, own: Mapping[str, Any]) -> Observation:
        said = tuple(part for one in self.feedback if (part := one.of_task(task)) is not None)
        return replace(self, id=f"{self.id}/{task}", prediction=own, feedback=said)


def row_key(text: str, pair: str | None = None, features: Mapping[str, Any] | None = None) -> str:
    """Return a row as one text: equal for equal rows, the text itself where there is no more than that."""
    if pair is None and not features:
        return text
    return json.dumps([text, pair, features or {}], ensure_ascii=False, sort_keys=True)


def asked_about(observations: Sequence[Observation], columns: RowColumns = ONE_TEXT) -> Corpus:
    """Return what predictions of one model were asked about, as the model reads it.

    Args:
        observations: They.
        columns: What the model reads of a row; where its columns are written into the text, so they are here.
    """
    paired = any(one.pair is not None for one in observations)
    beside = [] if columns.verbalise else [one.features or {} for one in observations]
    names = next((tuple(cells) for cells in beside if cells), ())
    return Corpus(
        id=[one.id for one in observations],
        text=[columns.told(one.text, one.features) for one in observations],
        pair=[one.pair or "" for one in observations] if paired else None,
        features={name: [cells.get(name) for cells in beside] for name in names},
    )
