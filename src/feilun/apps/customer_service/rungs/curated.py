"""The second rung: a curated answer, where its entry asks the same for sure enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from feilun.apps.customer_service.finding.calibration import Calibration
from feilun.apps.customer_service.finding.library import Library
from feilun.apps.customer_service.known.entries import FaqEntry
from feilun.apps.customer_service.reply import Citation, Reply
from feilun.apps.customer_service.rungs.rung import GONE, Question, Step, weighing
from feilun.apps.customer_service.words import slots
from feilun.apps.customer_service.words.phrases import PHRASES, cancels, place_named

MOST_TRIES = 3
"""Turns in a row without the value that an answer needs, after which it is no longer asked for."""


@dataclass(frozen=True)
class Curated:
    """Answers by the FAQ.

    Args:
        calibration: How sure it has to be.
    """

    calibration: Calibration

    def step(self, question: Question, library: Library) -> Step:
        """Answer with the entry that asks the same, its slots filled; ask for a slot that is missing."""
        pending = library.entries.get(question.memory.get("pending", ""))
        entry = chosen(question, library)
        if entry is not None:
            return _answered(entry, question, 1.0, {"rung": "curated", "decision": "chosen", "entry": entry.id})
        if pending is not None and cancels(question.text):
            reply = Reply("answer", PHRASES[question.language]["cancelled"], confidence=1.0)
            return Step({"rung": "curated", "decision": "cancelled", "entry": pending.id}, reply)
        step = self._found(question, library)
        return step if pending is None else _still_asked(step, pending, question)

    def _found(self, question: Question, library: Library) -> Step:
        asked = library.word_for_word(question.search)
        if asked is not None and asked.answer:
            trace = {"rung": "curated", "decision": "word for word", "entry": asked.id, "question": asked.question}
            return _answered(asked, question, 1.0, trace)
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
    """Return the entry that was offered before and is chosen now, by its place or its question, or still pends."""
    options = [library.entries.get(identity) for identity in question.memory.get("options", ())]
    place = place_named(question.text)
    said = question.text.strip().rstrip("。.？?")
    for number, entry in enumerate(options, 1):
        if entry is not None and (number == place or said == entry.question.rstrip("？?")):
            return entry
    pending = library.entries.get(question.memory.get("pending", ""))
    if pending is not None and question.reader.found(question.text, slots.needed(pending.answer)):
        return pending
    return None


def _still_asked(step: Step, pending: FaqEntry, question: Question) -> Step:
    """Keep the value in mind that an answer waits for: asked for again where nothing else is answered."""
    tries = int(question.memory.get("tries", 0)) + 1
    if tries >= MOST_TRIES:
        return step
    kept = {"pending": pending.id, "tries": tries, "slots": question.memory.get("slots", {})}
    if step.reply is not None:
        return step if step.reply.action == "ask_slot" else replace(step, remember={**(step.remember or {}), **kept})
    again = _asks(pending, kept["slots"], 1.0, PHRASES[pending.language]["invalid"])
    return replace(step, waiting=(again, kept), resumed=(replace(again, text=""), kept))


def _asks(entry: FaqEntry, values: Mapping[str, str], sure: float, before: str = "") -> Reply:
    """Ask for the first value of an answer that is missing."""
    missing = next(name for name in slots.needed(entry.answer) if name not in values)
    text = PHRASES[entry.language]["slot"].format(slot=slots.SLOTS[missing].name(entry.language))
    return Reply("ask_slot", before + text, confidence=sure, intent=entry.category or None, slots=values)


def _answered(entry: FaqEntry, question: Question, sure: float, trace: Mapping[str, Any]) -> Step:
    wanted, asked = slots.needed(entry.answer), {"asked": entry.question, "answered": entry.id}
    before = {**slots.told(question.customer, wanted), **question.memory.get("slots", {})}
    values = {**before, **question.reader.found(question.text, wanted)}
    missing = [name for name in wanted if name not in values]
    if missing:
        return Step(
            {**trace, "missing": missing}, _asks(entry, values, sure), {**asked, "pending": entry.id, "slots": values}
        )
    text = slots.filled(entry.answer, values)
    citation = Citation(entry.id, "FAQ", entry.question, text)
    reply = Reply("answer", text, (citation,), sure, entry.category or None, slots=values)
    return Step(trace, reply, asked)
