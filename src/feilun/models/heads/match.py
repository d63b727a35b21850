"""What two texts are to each other: the base reads them together, one behind the other, and each pair gets a label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from feilun.core.labels import LabelSet
from feilun.models.heads.classify import ClassifyHead, ClassifySettings


@dataclass(frozen=True)
class MatchSettings(ClassifySettings):
    """The table `[model.head]` of a `match` recipe."""

    def make(self, hidden: int, labels: LabelSet) -> MatchHead:
        """Make a fresh head over states of width `hidden`."""
        return MatchHead(hidden, labels, self)


class MatchHead(ClassifyHead):
    """A linear layer over the pooled state of both texts, with cross-entropy.

    Args:
        hidden: Width of the pooled state.
        labels: The classes.
        settings: Dropout and loss.
    """

    task: ClassVar[str] = "match"
