"""What people said of predictions as rows to learn from: never what a model only said itself."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from feilun.core.observation import Observation


@dataclass(frozen=True)
class Row:
    """A text whose right label a person told.

    Args:
        observation: Id of the last observation of it.
        text: The text, as it was remembered: cleaned, personal data replaced.
        label: The right label.
        answered: When it was predicted, seconds since 1970.
        told: When the label was told first.
    """

    observation: str
    text: str
    label: str
    answered: float
    told: float


@dataclass(frozen=True)
class Reviewed:
    """What people said of a model's predictions.

    Args:
        rows: One for each text whose right label is known.
        conflicting: Texts of which people disagree; left out.
        unnamed: Texts that were called wrong without the right label; left out.
        unknown: Texts whose label the recipe's rows do not have; left out.
    """

    rows: tuple[Row, ...]
    conflicting: int
    unnamed: int
    unknown: int

    def since(self, time: float) -> int:
        """Return how many labels were told after a time, seconds since 1970."""
        return sum(row.told > time for row in self.rows)

    def left_out(self) -> dict[str, int]:
        """Return how many texts were left out, by reason."""
        return {"conflicting": self.conflicting, "unnamed": self.unnamed, "unknown_label": self.unknown}


def reviewed(found: Sequence[Observation], labels: Collection[str] | None = None) -> Reviewed:
    """Gather what people said, text by text: a text that was answered several times is one row.

    Args:
        found: Observations with feedback.
        labels: The labels that can be learned; None takes all.

    Returns:
        The rows in the order of their first observation. Texts = rows + those left out by reason.
    """
    by_text: dict[str, list[Observation]] = defaultdict(list)
    for one in found:
        if one.right_labels or one.refused:
            by_text[one.text].append(one)
    rows: list[Row] = []
    counts: dict[str, Any] = {"conflicting": 0, "unnamed": 0, "unknown": 0}
    for text, same in by_text.items():
        right = frozenset().union(*(one.right_labels for one in same))
        refused = {one.label for one in same if one.refused}
        if len(right) > 1 or right & refused:
            counts["conflicting"] += 1
        elif not right:
            counts["unnamed"] += 1
        elif labels is not None and not right <= set(labels):
            counts["unknown"] += 1
        else:
            told = min(said.time for one in same for said in one.feedback if said.label or said.correct)
            rows.append(Row(same[-1].id, text, next(iter(right)), same[-1].time, told))
    return Reviewed(tuple(rows), **counts)


def held_out(text: str, share: float) -> bool:
    """Say whether a text is kept for comparing models; the same text always is, so no version ever learned from it.

    Args:
        text: It.
        share: Share of texts to keep, 0 to 1.
    """
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8]) < share * 2**64
