"""What a right answer is, by task: how a prediction holds one, and how a person tells one.

A new task is a file beside this and a line in both tables.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from feilun.core.answers.label_set import LabelSetAnswer
from feilun.core.answers.numbers import Numbers
from feilun.core.answers.one_label import OneLabel
from feilun.core.answers.relevance import Relevance
from feilun.core.answers.several import SeveralAnswers
from feilun.core.answers.spans import Spans
from feilun.core.answers.written import WrittenText

if TYPE_CHECKING:
    from feilun.core.observation import Observation


class AnswerKind(Protocol):
    """The answers of a task.

    `field` names them in feedback, and in the JSON of most predictions; `thumbs` says whether a thumb up tells that the
    predicted answer is the right one; `free_text` whether people tell them in words of their own, so that personal data
    is replaced, and hardly two are the same; `in_a_cell` says how a person writes one into a table.
    """

    field: ClassVar[str]
    thumbs: ClassVar[bool]
    free_text: ClassVar[bool]
    in_a_cell: ClassVar[str]

    def own(self, prediction: Mapping[str, Any]) -> Any:
        """Return the answer of a prediction as a person would tell it; both in their JSON form."""
        ...

    def target(self, answer: Any) -> Hashable:
        """Return an answer, in its JSON form, as a corpus holds targets; equal answers give equal targets."""
        ...

    def checked(self, said: Any, found: Observation, names: Collection[str]) -> Any:
        """Check the right answer as a person told it, by JSON or in the cell of a table.

        Args:
            said: The answer as it was told.
            found: What it is said of.
            names: Names of the model's labels.

        Returns:
            Its JSON form.

        Raises:
            UsageError: If it is none.
        """
        ...

    def cells(self, target: Any) -> tuple[Any, ...]:
        """Return a target as the cells of a training table, one for each column of targets."""
        ...

    def right(self, prediction: Mapping[str, Any], target: Any) -> bool:
        """Say whether a prediction, in its JSON form, was right."""
        ...


ONE_LABEL = OneLabel()

SINGLE: Mapping[str, AnswerKind] = {
    "classify": ONE_LABEL,
    "match": ONE_LABEL,
    "multilabel": LabelSetAnswer(),
    "rank": Relevance(),
    "regress": Numbers(),
    "similarity": ONE_LABEL,
    "tag": Spans(),
}

ANSWERS: Mapping[str, AnswerKind] = {**SINGLE, "generate": WrittenText(), "multitask": SeveralAnswers(SINGLE)}
"""What right answers are, by task."""

BY_FIELD: Mapping[str, AnswerKind] = {
    **{kind.field: kind for kind in ANSWERS.values() if kind is not ONE_LABEL},
    "text": ANSWERS["generate"],
}
"""By what the JSON of a prediction holds; all others have one label."""


def answer_kind(prediction: Mapping[str, Any]) -> AnswerKind:
    """Return what the answers of a prediction are, given its JSON form."""
    return next((BY_FIELD[field] for field in prediction if field in BY_FIELD), ONE_LABEL)
