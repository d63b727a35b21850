"""Which texts a person should label first: what was called wrong, where versions disagree, what no model is sure of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from feilun.core.observation import Observation

Reason = Literal[
    "conflicting feedback", "called wrong", "versions disagree", "left to a person", "low score", "no score"
]

ORDER: tuple[Reason, ...] = get_args(Reason)


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
    """Return the predictions that a person should label first, none whose right answer is known, no row twice.

    Within a reason the least sure come first (uncertainty sampling, Lewis & Gale 1994). Versions that say different
    things of a text, such as the champion and a shadow, are a committee of two (query by committee, Seung et al. 1992).
    Numbers have no score: they come as they were answered. Neither two numbers nor two written texts are ever quite the
    same, so that there no versions disagree. Conversations of several turns teach nothing, and are not suggested.

    Args:
        window: Predictions of one model.
        count: How many.
    """
    asked = [part for one in window for part in one.parts]
    known = {_question(one) for one in asked if one.known_answer is not None}
    said: dict[tuple[str, str], dict[str, Hashable]] = defaultdict(dict)
    for one in asked:
        said[_question(one)][one.version] = one.answer  # what each version said last
    disputed = {row for row, answers in said.items() if len(set(answers.values())) > 1}
    found = [
        Suggestion(one, _reason(one, _question(one) in disputed))
        for one in asked
        if _question(one) not in known and one.answer is not None and one.turns == 1
    ]
    found.sort(key=lambda suggestion: (ORDER.index(suggestion.reason), suggestion.observation.score or 0.0))
    first: dict[tuple[str, str], Suggestion] = {}
    for suggestion in found:
        first.setdefault(_question(suggestion.observation), suggestion)
    return list(first.values())[:count]


def _question(one: Observation) -> tuple[str, str]:
    """Return what a person would be asked: the row, and which of several tasks."""
    return one.row, one.task


def _reason(one: Observation, disputed: bool) -> Reason:
    if one.conflicting:
        return "conflicting feedback"
    if one.refused:
        return "called wrong"
    if not one.kind.thumbs:
        return "no score"
    if disputed and not one.kind.free_text:
        return "versions disagree"
    return "left to a person" if one.prediction.get("abstained") else "low score"
