"""One or several numbers: a linear layer over the pooled state; targets are standardised within."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from feilun.core.corpus import Corpus
from feilun.core.decisions.regress import RegressDecision
from feilun.core.labels import LabelSet
from feilun.core.remark import Remark
from feilun.core.settings import setting
from feilun.models.heads.head import Head

SMALLEST_SCALE = 1e-12


@dataclass(frozen=True)
class RegressSettings:
    """The table `[model.head]` of a `regress` recipe."""

    dropout: float = setting(
        0.0,
        Remark("share of the pooled state set to zero while training", "训练时汇集状态中置零的比例"),
        minimum=0,
        below=1,
    )
    loss: Literal["huber", "mse"] = setting(
        "huber",
        Remark(
            "huber: far misses weigh less (Huber 1964); mse: squared",
            "huber：偏差大的权重较小（Huber 1964）；mse：平方",
        ),
    )
    delta: float = setting(
        1.0,
        Remark("huber: standard deviations up to which a miss is squared", "huber：偏差在多少个标准差以内按平方计"),
        above=0,
    )
    coverage: float = setting(
        0.9, Remark("share of the truths that the intervals are to hold", "区间应包含真值的比例"), above=0, below=1
    )

    def tokenizer(self, tokenizer: Tokenizer) -> Tokenizer:
        """Return the base's own tokenizer."""
        return tokenizer

    def make(self, hidden: int, labels: LabelSet) -> RegressHead:
        """Make a fresh head over states of width `hidden`."""
        return RegressHead(hidden, labels, self)


class RegressHead(Head):
    """A linear layer over the pooled state, whose outputs are standard deviations from the mean.

    Args:
        hidden: Width of the pooled state.
        labels: Names of the numbers.
        settings: Dropout, loss and the coverage of the intervals.
    """

    task: ClassVar[str] = "regress"

    def __init__(self, hidden: int, labels: LabelSet, settings: RegressSettings) -> None:
        super().__init__(labels)
        self.settings = settings
        self.dropout = nn.Dropout(settings.dropout)
        self.linear = nn.Linear(hidden, len(labels))
        nn.init.zeros_(self.linear.bias)
        self.centre, self.scale = np.zeros(len(labels)), np.ones(len(labels))

    def forward(self, pooled: Tensor) -> Tensor:
        """Return standardised numbers of shape (batch, numbers) for a pooled state of shape (batch, hidden)."""
        numbers: Tensor = self.linear(self.dropout(pooled))
        return numbers

    def observe(self, train: Corpus) -> None:
        """Take mean and standard deviation of each number from the training rows."""
        values = np.array(train.target or np.zeros((1, len(self.labels))), dtype=np.float64)  # (rows, numbers)
        self.centre, self.scale = values.mean(0), values.std(0).clip(SMALLEST_SCALE)
        centre, scale = (tuple(array.tolist()) for array in (self.centre, self.scale))
        self.decision = RegressDecision(centre, scale, coverage=self.settings.coverage)

    def targets(self, corpus: Corpus) -> Tensor:
        """Return the standardised targets, shape (rows, numbers)."""
        values = np.array(corpus.target or (), dtype=np.float64).reshape(-1, len(self.labels))
        return torch.from_numpy(((values - self.centre) / self.scale).astype(np.float32))

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each row, shape (batch,): the mean over its numbers."""
        if self.settings.loss == "mse":
            return functional.mse_loss(logits, targets, reduction="none").mean(1)
        return functional.huber_loss(logits, targets, reduction="none", delta=self.settings.delta).mean(1)
