"""How the cells of the target column are read, by task; a new task is a file beside this and a line here."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from feilun.data.target_kinds.answer import AnswerText
from feilun.data.target_kinds.label import OneLabel
from feilun.data.target_kinds.label_set import LabelLists
from feilun.data.target_kinds.numbers import Numbers
from feilun.data.target_kinds.pair_label import PairLabel
from feilun.data.target_kinds.relevance import Relevance
from feilun.data.target_kinds.same import SameOrNot
from feilun.data.target_kinds.several import Several
from feilun.data.target_kinds.spans import SpanLists

if TYPE_CHECKING:
    from feilun.core.labels import LabelSet
    from feilun.data.loading import Loaded
    from feilun.data.settings import DataSettings


class TargetKind(Protocol):
    """What stands in the target column.

    `lists` says whether rows are candidates of a query: one candidate stands in many lists, so that rows are told
    apart, and sets kept apart, by their queries alone. `pairs` says whether a row is two texts of equal standing, so
    that rows which share one of them belong together.
    """

    lists: ClassVar[bool]
    pairs: ClassVar[bool]

    def read(self, loaded: Loaded, settings: DataSettings) -> None:
        """Turn the texts of the cells into targets, in place.

        Raises:
            DataError: If a cell cannot be read; the row is named.
        """
        ...

    def learn(self, loaded: Loaded, settings: DataSettings) -> tuple[LabelSet, list[str]]:
        """Return the labels (or names of the numbers) of the training rows, and remarks.

        Raises:
            DataError: If the targets cannot be learnt.
        """
        ...

    def names(self, target: Any) -> Sequence[str]:
        """Return the labels within a target."""
        ...

    def strata(self, targets: Sequence[Any]) -> Sequence[Hashable]:
        """Return for each target what is to have the same share in all sets."""
        ...


TARGET_KINDS: Mapping[str, TargetKind] = {
    "classify": OneLabel(),
    "generate": AnswerText(),
    "match": PairLabel(),
    "multilabel": LabelLists(),
    "multitask": Several(),
    "rank": Relevance(),
    "regress": Numbers(),
    "similarity": SameOrNot(),
    "tag": SpanLists(),
}
