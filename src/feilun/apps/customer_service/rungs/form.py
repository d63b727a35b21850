"""The second rung: a form that is being filled in, or begins; other questions are answered in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from feilun.apps.customer_service.finding.calibration import Calibration
from feilun.apps.customer_service.finding.library import Library
from feilun.apps.customer_service.forms import filling as state
from feilun.apps.customer_service.forms.filling import CONFIRM, WRONG, Filling
from feilun.apps.customer_service.forms.settings import FormSettings
from feilun.apps.customer_service.known.entries import FaqEntry
from feilun.apps.customer_service.reply import FormState, Reply
from feilun.apps.customer_service.rungs.curated import chosen
from feilun.apps.customer_service.rungs.rung import Question, Step, weighing
from feilun.apps.customer_service.words import slots
from feilun.apps.customer_service.words.phrases import PHRASES, cancels, courtesy, language_of
from feilun.knowledge.terms import search_terms, simplified

PREFIX = "form:"
"""What the id begins with of the entry by which a form is found."""

MOST_TRIES = 3
"""Turns in a row without a valid value after which a person takes over."""

MOST_OPEN = 3
"""Forms that are open at once; of more the first is given up."""

JOINED = {"zh": "、", "en": ", "}


def form_entries(forms: Mapping[str, FormSettings]) -> list[FaqEntry]:
    """Return entries by which forms are found like questions."""
    return [FaqEntry(PREFIX + name, form.starts[0], "", form.starts[1:], category=name) for name, form in forms.items()]


@dataclass(frozen=True)
class Forms:
    """Fills forms in.

    Args:
        forms: By name.
        calibration: How sure it has to be that a form is wanted; that of curated answers.
        today: Says what day it is.
    """

    forms: Mapping[str, FormSettings]
    calibration: Calibration
    today: Callable[[], date] = date.today

    def step(self, question: Question, library: Library) -> Step:
        """Begin a form, or take the turn as its next value; what is neither is answered by the rungs below."""
        open_forms = [Filling.from_json(one) for one in question.memory.get("forms", ())]
        open_forms = [one for one in open_forms if one.name in self.forms]
        wanted, trace = self._wanted(question, library)
        if wanted is not None:
            again = [one for one in open_forms if one.name == wanted]
            others = [one for one in open_forms if one.name != wanted]
            fresh = again or [state.begun(wanted, self.forms[wanted], question.text, self.today(), question.reader)]
            return self._asks([*others, *fresh][-MOST_OPEN:], {**trace, "decision": "begin"})
        if open_forms:
            return self._continued(open_forms, question)
        return Step({"rung": "form", "decision": "go on"})

    def _wanted(self, question: Question, library: Library) -> tuple[str | None, Mapping[str, Any]]:
        """Return the form that a turn begins: chosen, said in its own words, or surely enough meant."""
        entry = chosen(question, library)
        if entry is not None and entry.id.startswith(PREFIX):
            return entry.id.removeprefix(PREFIX), {"rung": "form"}
        said = search_terms(question.text)
        for name, form in self.forms.items():
            if any(search_terms(start) == said for start in form.starts):
                return name, {"rung": "form"}
        found = question.entries() if self.forms else None
        best = None if found is None else self.calibration.weighed(found)[0]
        if best is None or not best.id.startswith(PREFIX) or best.probability < self.calibration.threshold:
            return None, {"rung": "form"}
        return best.id.removeprefix(PREFIX), weighing("form", best, self.calibration)

    def _continued(self, open_forms: Sequence[Filling], question: Question) -> Step:
        *below, active = open_forms
        form = self.forms[active.name]
        trace = {"rung": "form", "form": active.name, "asking": active.asking}
        if cancels(question.text):
            done = PHRASES[question.language]["cancelled"]
            return self._ended(below, active, "cancelled", done, {**trace, "decision": "cancelled"})
        told = state.answered(active, form, question.text, self.today(), question.reader)
        if told:
            changed = active.with_values(form, told)
            return self._asks([*below, changed], {**trace, "decision": "told", "told": sorted(told)})
        said = simplified(question.text.strip())
        if active.asking == CONFIRM and state.YES.search(said):
            return self._confirmed(below, active, {**trace, "decision": "confirmed"})
        named = state.named_field(form, said) if active.asking == WRONG or state.NO.search(said) else None
        if active.asking in {CONFIRM, WRONG} and named in active.values:
            again = active.without(str(named))
            return self._asks([*below, again], {**trace, "decision": "named as wrong", "told": [named]})
        if active.asking == CONFIRM and state.NO.search(said):
            wrong = Filling(active.name, active.values, WRONG)
            return self._asks([*below, wrong], {**trace, "decision": "something is wrong"})
        if courtesy(question.text) is not None:
            return self._asks(open_forms, {**trace, "decision": "courtesy"})
        return self._waits(open_forms, question, trace)

    def _asks(self, open_forms: Sequence[Filling], trace: Mapping[str, Any]) -> Step:
        """Ask for what the last of the open forms wants."""
        return Step(trace, self._question(open_forms[-1], ""), _remembered(open_forms))

    def _question(self, active: Filling, before: str) -> Reply:
        form = self.forms[active.name]
        field = form.fields.get(active.asking)
        text = slots.filled(form.confirm, active.values) if field is None else field.ask
        if active.asking == WRONG:
            language = language_of(form.confirm)
            names = JOINED[language].join(form.fields[name].name for name in form.fields if name in active.values)
            text = PHRASES[language]["which"].format(fields=names)
        return Reply(
            "ask_slot", f"{before}{text}", confidence=1.0, intent=active.name, slots=dict(active.values),
            options=() if field is None else field.options,
            form=FormState(active.name, "filling" if field is not None else "confirming", dict(active.values)),
        )  # fmt: skip

    def _waits(self, open_forms: Sequence[Filling], question: Question, trace: Mapping[str, Any]) -> Step:
        """Leave the turn to the rungs below; where they answer nothing it was no valid value."""
        *below, active = open_forms
        said = PHRASES[question.language]
        failed = active.failed()
        missed, remember = self._question(active, said["invalid"]), _remembered([*below, failed])
        if failed.tries >= MOST_TRIES:
            missed = Reply("handoff", said["failed"], handoff="form", form=FormState(active.name, "given up"))
            remember = {}
        resumed = self._question(active, "\n\n"), _remembered(open_forms)
        return Step({**trace, "decision": "no value"}, waiting=(missed, remember), resumed=resumed)

    def _confirmed(self, below: Sequence[Filling], active: Filling, trace: Mapping[str, Any]) -> Step:
        form = self.forms[active.name]
        said = slots.filled(form.done, active.values)
        if form.then:
            below = [*below, state.begun(form.then, self.forms[form.then], "", self.today())]
        return self._ended(below, active, "done", said, trace)

    def _ended(
        self, below: Sequence[Filling], active: Filling, ended: str, said: str, trace: Mapping[str, Any]
    ) -> Step:
        """Say how a form ended, and go on with the one below it."""
        text = said if not below else f"{said}\n\n{self._question(below[-1], '').text}"
        values = dict(active.values) if ended == "done" else {}
        reply = Reply("answer", text, confidence=1.0, intent=active.name, slots=values,
                      form=FormState(active.name, ended, values))  # fmt: skip
        return Step(trace, reply, _remembered(below))


def _remembered(open_forms: Sequence[Filling]) -> dict[str, Any]:
    return {"forms": [one.to_json() for one in open_forms]}
