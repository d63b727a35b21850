"""The second rung: a curated answer, where its entry asks the same for sure enough."""

from __future__ import annotations

from dataclasses import dataclass

from feilun.apps.customer_service import slots
from feilun.apps.customer_service.calibration import Calibration
from feilun.apps.customer_service.entries import FaqEntry
from feilun.apps.customer_service.library import Library
from feilun.apps.customer_service.phrases import PHRASES
from feilun.apps.customer_service.reply import Citation, Reply
from feilun.apps.customer_service.rungs.rung import GONE, Question, Step, weighing


@dataclass(frozen=True)
class Curated:
    """Answers by the FAQ.

    Args:
        calibration: How sure it has to be.
    """

    calibration: Calibration

    def step(self, question: Question, library: Library) -> Step:
        """Answer with the entry that asks the same, its slots filled; ask for a slot that is missing."""
        entry = chosen(question, library)
        if entry is not None:
            return _answered(entry, question, 1.0, {"rung": "curated", "decision": "chosen", "entry": entry.id})
        found = question.entries()
        if found is None:
            return Step({"rung": "curated", "decision": "nothing found"})
        best = self.calibration.weighed(found)[0]
        entry = library.entries.get(best.id)
        if entry is None:
            return Step({"rung": "curated", "decision": GONE})
        trace = {"entry": entry.id, "question": entry.question, **weighing("curated", best, self.calibration)}
        if best.probability < self.calibration.threshold:
            return Step({**trace, "decision": "not sure enough"})
        return _answered(entry, question, best.probability, {**trace, "decision": "answer"})


def chosen(question: Question, library: Library) -> FaqEntry | None:
    """Return the entry that was offered before and is chosen now, by its number or its question, or still pends."""
    options = [library.entries.get(identity) for identity in question.memory.get("options", ())]
    for number, entry in enumerate(options, 1):
        said = question.text.strip().rstrip("。.")
        if entry is not None and said in {str(number), f"第{number}个", entry.question}:
            return entry
    pending = library.entries.get(question.memory.get("pending", ""))
    if pending is not None and slots.found(question.text, slots.needed(pending.answer)):
        return pending
    return None


def _answered(entry: FaqEntry, question: Question, sure: float, trace: dict[str, object]) -> Step:
    wanted = slots.needed(entry.answer)
    values = {**question.memory.get("slots", {}), **slots.found(question.text, wanted)}
    missing = [name for name in wanted if name not in values]
    intent = entry.category or None
    if missing:
        name = slots.SLOTS[missing[0]].name(entry.language)
        text = PHRASES[entry.language]["slot"].format(slot=name)
        reply = Reply("ask_slot", text, confidence=sure, intent=intent, slots=values)
        return Step({**trace, "missing": missing}, reply, {"pending": entry.id, "slots": values})
    text = slots.filled(entry.answer, values)
    citation = Citation(entry.id, "FAQ", entry.question, text)
    return Step(trace, Reply("answer", text, (citation,), sure, intent, values), {"slots": values})
