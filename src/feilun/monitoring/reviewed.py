"""What people said of predictions as rows to learn from: never what a model only said itself."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from feilun.core.observation import Observation

Reason = Literal["conflicting", "unnamed", "unknown_label", "without_columns", "conversation", "personal_data"]
"""Why a row of which people spoke is left out: they disagree; it was called wrong without the right answer; no row of
the recipe has its label; it came without the columns that the model learns from; it is a conversation of several turns;
personal data in the answer was replaced."""


@dataclass(frozen=True)
class Row:
    """A row whose right answer a person told.

    Args:
        last: The last observation of it: what was asked about, as it was remembered.
        target: The right answer, as a corpus holds targets.
        told: When it was told first, seconds since 1970.
        named: Whether somebody told the answer itself; else a thumb up called the predicted one right.
    """

    last: Observation
    target: Hashable
    told: float
    named: bool = True


@dataclass(frozen=True)
class Reviewed:
    """What people said of a model's predictions.

    Args:
        rows: One for each row whose right answer is known.
        left: How many rows are left out, by reason.
    """

    rows: tuple[Row, ...]
    left: Mapping[Reason, int] = field(default_factory=dict)

    def since(self, time: float) -> int:
        """Return how many answers were told after a time, seconds since 1970."""
        return sum(row.told > time for row in self.rows)

    def left_out(self) -> dict[str, int]:
        """Return how many rows were left out, by every reason there is."""
        return {reason: self.left.get(reason, 0) for reason in get_args(Reason)}


def reviewed(
    found: Sequence[Observation], unfit: Callable[[Observation, Hashable], Reason | None] = lambda one, target: None
) -> Reviewed:
    """Gather what people said, row by row: one that was answered several times counts once.

    Args:
        found: Observations with feedback.
        unfit: Says why an observation with its right answer cannot be learned from; None where it can.

    Returns:
        The rows in the order of their first observation. Rows spoken of = rows + those left out by reason.
    """
    by_row: dict[str, list[Observation]] = defaultdict(list)
    for one in found:
        if one.right_answers or one.refused:
            by_row[one.row].append(one)
    rows: list[Row] = []
    left: Counter[Reason] = Counter()
    for same in by_row.values():
        right = frozenset[Hashable]().union(*(one.right_answers for one in same))
        refused = {one.answer for one in same if one.refused}
        if len(right) > 1 or right & refused:
            left["conflicting"] += 1
        elif not right:
            left["unnamed"] += 1
        elif (reason := unfit(same[-1], target := next(iter(right)))) is not None:
            left[reason] += 1
        else:
            rows.append(_row(same, target))
    return Reviewed(tuple(rows), left)


def _row(same: Sequence[Observation], target: Hashable) -> Row:
    """Return the observations of a row, and its right answer, as one row."""
    said = [one for observation in same for one in observation.feedback if one.answer is not None or one.correct]
    named = any(one.answer is not None for one in said)
    return Row(same[-1], target, min(one.time for one in said), named)


def until(found: Sequence[Observation], moment: float) -> list[Observation]:
    """Return observations with what was said of them up to a moment, seconds since 1970."""
    return [replace(one, feedback=tuple(said for said in one.feedback if said.time <= moment)) for one in found]


def held_out(text: str, share: float) -> bool:
    """Say whether a text is kept for comparing models; the same text always is, so no version ever learned from it.

    Args:
        text: The text, as it was observed.
        share: Share of texts to keep, 0 to 1.
    """
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8]) < share * 2**64
