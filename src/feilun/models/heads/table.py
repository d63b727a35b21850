"""The task heads by the name of their task; a new one is a file beside this and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from feilun.models.heads.classify import ClassifySettings
from feilun.models.heads.multilabel import MultilabelSettings
from feilun.models.heads.regress import RegressSettings

if TYPE_CHECKING:
    from feilun.core.labels import LabelSet
    from feilun.models.heads.head import Head


class HeadSettings(Protocol):
    """The table `[model.head]`: the head's settings, which make it."""

    def make(self, hidden: int, labels: LabelSet) -> Head:
        """Make a fresh head over states of width `hidden`."""
        ...


HEADS: dict[str, type[HeadSettings]] = {
    "classify": ClassifySettings,
    "multilabel": MultilabelSettings,
    "regress": RegressSettings,
}
