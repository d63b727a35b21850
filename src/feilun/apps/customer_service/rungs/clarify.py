"""The fourth rung: where several entries are close, one question back, and never two in a row."""

from __future__ import annotations

from dataclasses import dataclass

from feilun.apps.customer_service.calibration import Calibration
from feilun.apps.customer_service.library import Library
from feilun.apps.customer_service.phrases import PHRASES
from feilun.apps.customer_service.reply import Reply
from feilun.apps.customer_service.rungs.rung import Question, Step

NEAR_MISS = 0.6
"""Share of the curated threshold from which on what was found is worth asking back."""


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
        found = library.question(question.search, question.vector)
        sure = 0.0 if found is None else self.calibration.probability(found.features)
        if found is None or sure < NEAR_MISS * self.calibration.threshold:
            return Step({**trace, "decision": "nothing close", "probability": round(sure, 4)})
        offered = [library.entries[hit.id] for hit in found.hits[: self.options]]
        reply = Reply(
            "clarify",
            PHRASES[question.language]["clarify"],
            confidence=sure,
            options=tuple(e.question for e in offered),
        )
        return Step({**trace, "decision": "ask back"}, reply, {"options": [entry.id for entry in offered]})
