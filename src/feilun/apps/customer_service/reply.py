"""What customer service answers to a turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Action = Literal["answer", "clarify", "ask_slot", "unknown", "handoff", "silent"]


@dataclass(frozen=True)
class Citation:
    """Where a sentence of an answer stands.

    Args:
        id: The entry or passage.
        source: The document's name, or `FAQ`.
        place: Headings and place within it.
        sentence: The sentence as it stands there.
    """

    id: str
    source: str
    place: str
    sentence: str


@dataclass(frozen=True)
class FormState:
    """A form and where it stands.

    Args:
        name: The form.
        state: `filling`, `confirming`, `done`, `cancelled` or `given up`.
        values: What was told, by field; all of it once it is done.
    """

    name: str
    state: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """A reply; what is to be done stands in `action`, never only in the text.

    Args:
        action: `answer`, `clarify` (one of `options` is to be chosen), `ask_slot` (a value is to be told), `unknown`,
            `handoff` (a person takes over), `silent` (a person is answering).
        text: What the customer reads.
        citations: Where the answer stands.
        confidence: Calibrated probability that the answer is right, 0 to 1.
        intent: What the turn is about: the category of the curated entry, or the form, that answers; else what a
            classifier of these categories reads in the question. None where neither tells.
        slots: Values that were found or told, by name.
        options: Questions to choose from.
        form: The form that the reply is about, where it is about one.
        handoff: Why a person takes over, where one does.
        priority: How urgent a hand-over is; higher comes first.
        trace: What each rung decided, for an operator.
        intent_confidence: Calibrated probability that the intent is right, 0 to 1.
    """

    action: Action
    text: str
    citations: tuple[Citation, ...] = ()
    confidence: float = 0.0
    intent: str | None = None
    slots: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    form: FormState | None = None
    handoff: str | None = None
    priority: int = 0
    trace: tuple[Mapping[str, Any], ...] = ()
    intent_confidence: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        return {
            **vars(self),
            "citations": [{**vars(citation)} for citation in self.citations],
            "confidence": round(self.confidence, 4),
            "intent_confidence": round(self.intent_confidence, 4),
            "slots": dict(self.slots),
            "options": list(self.options),
            "form": None if self.form is None else {**vars(self.form), "values": dict(self.form.values)},
            "trace": [dict(step) for step in self.trace],
        }
