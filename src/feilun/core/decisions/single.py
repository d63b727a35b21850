"""How a model's numbers become predictions, by task, where a model has one; a new task is a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from feilun.core.decisions.generate import GenerateDecision
from feilun.core.decisions.multilabel import MultilabelDecision
from feilun.core.decisions.rank import RankDecision
from feilun.core.decisions.regress import RegressDecision
from feilun.core.decisions.similarity import SimilarityDecision
from feilun.core.decisions.tag import TagDecision
from feilun.core.prediction import Decision, Prediction, Reads


class AnyDecision(Protocol):
    """How logits become predictions; a frozen dataclass that `calibration.json` of a bundle holds."""

    task: ClassVar[str]
    reads: ClassVar[Reads]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Read what `dataclasses.asdict` wrote."""
        ...

    def width(self, labels: int) -> int:
        """Return how many numbers the model gives for a text, or for each token."""
        ...

    def changed(self, before: Any, after: Any, names: tuple[str, ...]) -> NDArray[np.bool_]:
        """Return which rows get another answer, shape (rows,)."""
        ...

    def decide(self, logits: Any, names: tuple[str, ...]) -> list[Prediction]:
        """Turn logits, of shape (rows, width) or of each row's tokens, into predictions, one a row."""
        ...


SINGLE: Mapping[str, type[AnyDecision]] = {
    "classify": Decision,
    "generate": GenerateDecision,
    "match": Decision,
    "multilabel": MultilabelDecision,
    "rank": RankDecision,
    "regress": RegressDecision,
    "similarity": SimilarityDecision,
    "tag": TagDecision,
}
