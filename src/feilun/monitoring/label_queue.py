"""Which texts a person should label first: what people called wrong, then what the model is least sure of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from feilun.core.observation import Observation

Reason = Literal["conflicting feedback", "called wrong", "left to a person", "low score"]

ORDER: tuple[Reason, ...] = ("conflicting feedback", "called wrong", "left to a person", "low score")


@dataclass(frozen=True)
class Suggestion:
    """A text worth labelling.

    Args:
        observation: The prediction, with the feedback on it.
        reason: Why it is worth it.
    """

    observation: Observation
    reason: Reason


def suggest(window: Sequence[Observation], count: int) -> list[Suggestion]:
    """Return the predictions that a person should label first, none whose right label is known, no text twice.

    Within a reason the least sure come first (uncertainty sampling, Lewis & Gale 1994).

    Args:
        window: Predictions of one model.
        count: How many.
    """
    known = {one.text for one in window if one.known_label is not None}
    found = [Suggestion(one, _reason(one)) for one in window if one.text not in known and one.label is not None]
    found.sort(key=lambda suggestion: (ORDER.index(suggestion.reason), suggestion.observation.score or 0.0))
    first: dict[str, Suggestion] = {}
    for suggestion in found:
        first.setdefault(suggestion.observation.text, suggestion)
    return list(first.values())[:count]


def _reason(one: Observation) -> Reason:
    if one.conflicting:
        return "conflicting feedback"
    if one.refused:
        return "called wrong"
    return "left to a person" if one.prediction.get("abstained") else "low score"
