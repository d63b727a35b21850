"""The last rung: an honest "I do not know", and a person where that happened again."""

from __future__ import annotations

from dataclasses import dataclass

from feilun.apps.customer_service.finding.library import Library
from feilun.apps.customer_service.reply import Reply
from feilun.apps.customer_service.rungs.rung import Question, Step
from feilun.apps.customer_service.words.phrases import PHRASES


@dataclass(frozen=True)
class Unknown:
    """Answers nothing, and says so.

    Args:
        after_failures: Unanswered questions in a row after which a person takes over.
    """

    after_failures: int = 2

    def step(self, question: Question, library: Library) -> Step:
        """Decline, or hand over."""
        failures = int(question.memory.get("failures", 0)) + 1
        said = PHRASES[question.language]
        trace = {"rung": "unknown", "failures": failures}
        if failures >= self.after_failures:
            return Step(
                {**trace, "decision": "hand over"}, Reply("handoff", said["failed"], handoff="repeated failure")
            )
        return Step({**trace, "decision": "decline"}, Reply("unknown", said["unknown"]), {"failures": failures})
