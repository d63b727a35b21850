"""What people said of predictions as rows to learn from: never what a model only said itself."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from feilun.core.observation import Observation


@dataclass(frozen=True)
class Row:
    """A row whose right answer a person told.

    Args:
        last: The last observation of it: what was asked about, as it was remembered.
        target: The right answer, as a corpus holds targets.
        told: When it was told first, seconds since 1970.
    """

    last: Observation
    target: Hashable
    told: float


@dataclass(frozen=True)
class Reviewed:
    """What people said of a model's predictions.

    Args:
        rows: One for each row whose right answer is known.
        conflicting: Rows of which people disagree; left out.
        unnamed: Rows that were called wrong without the right answer; left out.
        unknown: Rows with a label that the recipe's rows do not have; left out.
        incomplete: Rows that were asked without the columns that the model learns from; left out.
    """

    rows: tuple[Row, ...]
    conflicting: int
    unnamed: int
    unknown: int
    incomplete: int = 0

    def since(self, time: float) -> int:
        """Return how many answers were told after a time, seconds since 1970."""
        return sum(row.told > time for row in self.rows)

    def left_out(self) -> dict[str, int]:
        """Return how many rows were left out, by reason."""
        return {
            "conflicting": self.conflicting, "unnamed": self.unnamed, "unknown_label": self.unknown,
            "without_columns": self.incomplete,
        }  # fmt: skip


def reviewed(
    found: Sequence[Observation],
    learnable: Callable[[Hashable], bool] = lambda target: True,
    complete: Callable[[Observation], bool] = lambda one: True,
) -> Reviewed:
    """Gather what people said, row by row: one that was answered several times counts once.

    Args:
        found: Observations with feedback.
        learnable: Says of a right answer whether it can be learned.
        complete: Says of an observation whether it holds all that the model learns from.

    Returns:
        The rows in the order of their first observation. Rows spoken of = rows + those left out by reason.
    """
    by_row: dict[str, list[Observation]] = defaultdict(list)
    for one in found:
        if one.right_answers or one.refused:
            by_row[one.row].append(one)
    rows: list[Row] = []
    counts: dict[str, Any] = {"conflicting": 0, "unnamed": 0, "unknown": 0, "incomplete": 0}
    for same in by_row.values():
        right = frozenset[Hashable]().union(*(one.right_answers for one in same))
        refused = {one.answer for one in same if one.refused}
        if len(right) > 1 or right & refused:
            counts["conflicting"] += 1
        elif not right:
            counts["unnamed"] += 1
        elif not complete(same[-1]):
            counts["incomplete"] += 1
        elif not learnable(target := next(iter(right))):
            counts["unknown"] += 1
        else:
            told = min(said.time for one in same for said in one.feedback if said.answer is not None or said.correct)
            rows.append(Row(same[-1], target, told))
    return Reviewed(tuple(rows), **counts)


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
