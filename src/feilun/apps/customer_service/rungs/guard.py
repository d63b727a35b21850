"""The first rung: a person who is asked for, courtesies, too much or nothing that is said, orders to a machine."""

from __future__ import annotations

from dataclasses import dataclass

from feilun.apps.customer_service.finding.library import Library
from feilun.apps.customer_service.reply import Reply
from feilun.apps.customer_service.rungs.rung import Question, Step
from feilun.apps.customer_service.words.phrases import PHRASES, cancels, courtesy, is_angry, wants_person
from feilun.knowledge.terms import search_terms

LONGEST = 2_000
"""Characters of a turn that is answered."""


@dataclass(frozen=True)
class Guard:
    """Answers what needs no knowledge, and marks what must not be obeyed; what was begun before stays begun.

    Args:
        anger: Whether an angry customer is handed over.
    """

    anger: bool = True

    def step(self, question: Question, library: Library) -> Step:
        """Hand over where a person is asked for; ask again where nothing can be understood."""
        decided = self._decided(question)
        trace = {"rung": "guard", "language": question.language, "orders": question.orders}
        if decided is None:
            return Step({**trace, "decision": "go on"})
        decision, reply = decided
        return Step({**trace, "decision": decision}, reply, {} if reply.action == "handoff" else question.memory)

    def _decided(self, question: Question) -> tuple[str, Reply] | None:
        said = PHRASES[question.language]
        if wants_person(question.text):
            return "a person is asked for", Reply("handoff", said["handoff"], handoff="request")
        if self.anger and is_angry(question.text):
            return "anger", Reply("handoff", said["angry"], handoff="anger")
        if not question.memory.get("forms"):  # a form takes 好的 as its answer
            kind = courtesy(question.text)
            if kind is None and cancels(question.text) and not question.memory.get("pending"):
                kind = "noted"
            if kind is not None:
                return kind, Reply("clarify", said[kind])
        if not search_terms(question.text):
            return "nothing is asked", Reply("clarify", said["empty"])
        if len(question.text) > LONGEST:
            return "too long", Reply("clarify", said["long"])
        if question.orders:
            return "orders to a machine are not obeyed", Reply("unknown", said["unknown"])
        return None
