"""The first rung: a person who is asked for, nothing that is asked, too much that is said, orders to a machine."""

from __future__ import annotations

from dataclasses import dataclass

from feilun.apps.customer_service.library import Library
from feilun.apps.customer_service.phrases import PHRASES, is_angry, wants_person
from feilun.apps.customer_service.reply import Reply
from feilun.apps.customer_service.rungs.rung import Question, Step
from feilun.knowledge.terms import search_terms

LONGEST = 2_000
"""Characters of a turn that is answered."""


@dataclass(frozen=True)
class Guard:
    """Answers what needs no knowledge, and marks what must not be obeyed.

    Args:
        anger: Whether an angry customer is handed over.
    """

    anger: bool = True

    def step(self, question: Question, library: Library) -> Step:
        """Hand over where a person is asked for; ask again where nothing can be understood."""
        said = PHRASES[question.language]
        trace = {"rung": "guard", "language": question.language, "orders": question.orders}
        if wants_person(question.text):
            return Step(
                {**trace, "decision": "a person is asked for"}, Reply("handoff", said["handoff"], handoff="request")
            )
        if self.anger and is_angry(question.text):
            return Step({**trace, "decision": "anger"}, Reply("handoff", said["angry"], handoff="anger"))
        if not search_terms(question.text):
            return Step({**trace, "decision": "nothing is asked"}, Reply("clarify", said["empty"]))
        if len(question.text) > LONGEST:
            return Step({**trace, "decision": "too long"}, Reply("clarify", said["long"]))
        if question.orders:
            return Step({**trace, "decision": "orders to a machine are not obeyed"}, Reply("unknown", said["unknown"]))
        return Step({**trace, "decision": "go on"})
