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
    Numbers have no score: they come as they were answered.

    Args:
        window: Predictions of one model.
        count: How many.
    """
    known = {one.row for one in window if one.known_answer is not None}
    said: dict[str, dict[str, Hashable]] = defaultdict(dict)
    for one in window:
        said[one.row][one.version] = one.answer  # what each version said last
    disputed = {row for row, answers in said.items() if len(set(answers.values())) > 1}
    found = [
        Suggestion(one, _reason(one, one.row in disputed))
        for one in window
        if one.row not in known and one.answer is not None
    ]
    found.sort(key=lambda suggestion: (ORDER.index(suggestion.reason), suggestion.observation.score or 0.0))
    first: dict[str, Suggestion] = {}
    for suggestion in found:
        first.setdefault(suggestion.observation.row, suggestion)
    return list(first.values())[:count]


def _reason(one: Observation, disputed: bool) -> Reason:
    if one.conflicting:
        return "conflicting feedback"
    if one.refused:
        return "called wrong"
    if not one.kind.thumbs:
        return "no score"  # nor are two versions' numbers ever quite the same
    if disputed:
        return "versions disagree"
    return "left to a person" if one.prediction.get("abstained") else "low score"
