"""The contract of a task head."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from feilun.core.corpus import Corpus
from feilun.core.decisions.table import DECISIONS, AnyDecision
from feilun.core.labels import LabelSet
from feilun.core.prediction import Prediction, Reads
from feilun.core.remark import Remark
from feilun.core.spans import Logits
from feilun.models.bases.base import Base
from feilun.text.tokens import TokenEncoder

Miner = Literal["words", "model", "both"]


class Head(nn.Module, ABC):
    """What a task adds on top of the base: a module from the base's states to logits, and its loss.

    The half of it that serving needs, from logits to predictions, is its decision in `feilun.core.decisions`.
    """

    task: ClassVar[str]
    reads: ClassVar[Reads] = "pooled"
    pace: float = 10.0
    """How many times as fast as the base its weights learn by default."""
    base_pace: ClassVar[float] = 1.0
    """How many times as fast the base learns by default as it does where each text has one label."""
    hard_negatives: int = 0
    """How many second texts of other rows, hard to tell from its own, each row gets where texts are read apart."""
    mined_by: Miner = "both"
    """What finds these: shared words, the model as it is at first, or both."""
    encoder: TokenEncoder | None = None
    """The model's own, for heads that read tokens; the model gives it."""

    def __init__(self, labels: LabelSet) -> None:
        super().__init__()
        self.labels = labels
        self.decision: AnyDecision = DECISIONS[self.task]()

    def meet(self, base: Base) -> None:
        """Learn from the base that the head is put on what its decision needs."""

    def learnt(self) -> AnyDecision:
        """Return its decision with what the head has learned of it so far."""
        return self.decision

    def observe(self, train: Corpus) -> None:
        """Learn from the training rows what the loss needs beforehand, such as the weights of the labels."""

    def first_biases(self, train: Corpus) -> Tensor | None:
        """Return what the biases of its layer begin with, shape (numbers,), once it observed; None where with zeros."""

    def order(self, rows: int, random: np.random.Generator) -> NDArray[np.int64]:
        """Return the rows of an epoch, or the numbers of lists of them that `together` knows, in an order by chance.

        They are as many, and the same ones, for each epoch.
        """
        return random.permutation(rows)

    def together(self, order: NDArray[np.int64]) -> Sequence[Sequence[int]]:
        """Return the rows that must stand in one batch, in an order that `order` gave: by default each stands alone."""
        alone: Sequence[Sequence[int]] = order[:, None].tolist()
        return alone

    def before_step(self, step: int) -> None:
        """Get ready for an optimiser step; depends on the number of steps done alone, so that a run can be resumed."""

    def watch(self, history: Sequence[Mapping[str, float]]) -> None:
        """Look at the figures of all evaluations so far; what follows from them must follow from them alone."""

    def remarks(self, train: Corpus) -> list[Remark]:
        """Say what of the training rows cannot be learned from."""
        return []

    def ids(self, corpus: Corpus) -> Sequence[str]:
        """Return, for each row of `targets`, the id of the row of the corpus that it is of."""
        return corpus.id

    @abstractmethod
    def targets(self, corpus: Corpus) -> Tensor:
        """Return what the loss compares with, a row each, shape (rows, …)."""

    @abstractmethod
    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each row, shape (batch,)."""

    def decode(self, logits: Logits, decision: AnyDecision) -> list[Prediction]:
        """Turn logits into predictions."""
        return decision.decide(logits, self.labels.names)
