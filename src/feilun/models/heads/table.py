"""The task heads by the name of their task; a new one is a file beside this and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from feilun.models.heads.classify import ClassifySettings
from feilun.models.heads.generate import GenerateSettings
from feilun.models.heads.match import MatchSettings
from feilun.models.heads.multilabel import MultilabelSettings
from feilun.models.heads.multitask import MultitaskSettings
from feilun.models.heads.rank import RankSettings
from feilun.models.heads.regress import RegressSettings
from feilun.models.heads.similarity import SimilaritySettings
from feilun.models.heads.tag import TagSettings

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from feilun.core.labels import LabelSet
    from feilun.models.heads.head import Head


class HeadSettings(Protocol):
    """The table `[model.head]`: the head's settings, which make it."""

    def tokenizer(self, tokenizer: Tokenizer) -> Tokenizer:
        """Return the tokenizer that the head wants: the base's own, or one that reads in smaller pieces."""
        ...

    def make(self, hidden: int, labels: LabelSet) -> Head:
        """Make a fresh head over states of width `hidden`."""
        ...


HEADS: dict[str, type[HeadSettings]] = {
    "match": MatchSettings,  # before the class that it extends, so that settings are told apart
    "classify": ClassifySettings,
    "generate": GenerateSettings,
    "multilabel": MultilabelSettings,
    "multitask": MultitaskSettings,
    "rank": RankSettings,
    "regress": RegressSettings,
    "similarity": SimilaritySettings,
    "tag": TagSettings,
}
