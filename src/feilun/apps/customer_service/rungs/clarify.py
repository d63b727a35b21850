"""The fourth rung: where several entries are close, one question back, and never two in a row."""

from __future__ import annotations

from dataclasses import dataclass

from feilun.apps.customer_service.finding.calibration import Calibration
from feilun.apps.customer_service.finding.library import Library
from feilun.apps.customer_service.reply import Reply
from feilun.apps.customer_service.rungs.rung import Question, Step
from feilun.apps.customer_service.words.phrases import PHRASES

LIKELY = 0.25
"""Probability that one of the questions is meant, from which on they are worth offering.

A question back costs a turn, an "I do not know" loses the customer: on the validation half of the sample's held-out
questions 25 of 79 are offered from here on, the right one always among them (from 0.5 on 12).
"""


@dataclass(frozen=True)
class Clarify:
    """Offers the questions that were probably meant.

    Args:
        calibration: That of the curated answers.
        options: Most questions offered.
    """

    calibration: Calibration
    options: int = 3

    def step(self, question: Question, library: Library) -> Step:
        """Offer the closest questions where the best was nearly sure enough and nothing was offered just before."""
        trace: dict[str, object] = {"rung": "clarify"}
        if question.memory.get("options"):
            return Step({**trace, "decision": "asked back before"})
        found = question.entries()
        known = library.entries
        weighed = self.calibration.weighed(found) if found is not None else []
        offered = [one for one in weighed if one.id in known][: self.options]
        sure = sum(one.probability for one in offered)
        if sure < LIKELY:
            return Step({**trace, "decision": "nothing close", "probability": round(sure, 4)})
        options = tuple(known[one.id].question for one in offered)
        reply = Reply("clarify", PHRASES[question.language]["clarify"], confidence=sure, options=options)
        return Step({**trace, "decision": "ask back"}, reply, {"options": [one.id for one in offered]})
