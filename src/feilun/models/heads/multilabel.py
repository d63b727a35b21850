"""Several labels of many, or none: a linear layer over the pooled state, each label decided for itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from feilun.core.corpus import Corpus
from feilun.core.labels import LabelSet
from feilun.core.remark import Remark
from feilun.core.settings import setting
from feilun.models.heads.linear import LinearHead

HEAVIEST = 20.0
"""Most that a row with a rare label weighs, so that a single wrong one does not govern the training."""


@dataclass(frozen=True)
class MultilabelSettings:
    """The table `[model.head]` of a `multilabel` recipe."""

    dropout: float = setting(
        0.1,
        Remark("share of the pooled state set to zero while training", "训练时汇集状态中置零的比例"),
        minimum=0,
        below=1,
    )
    label_smoothing: float = setting(
        0.0,
        Remark("how far targets are drawn from 0 and 1 towards one half", "目标从 0 和 1 向一半靠拢多少"),
        minimum=0,
        below=1,
    )
    class_weights: Literal["none", "balanced"] = setting(
        "none",
        Remark(
            "balanced: of each label, the rows that have it weigh as much in the loss as those that do not",
            "balanced：每个标签有它的行与没有它的行在损失中权重相同",
        ),
    )

    def tokenizer(self, tokenizer: Tokenizer) -> Tokenizer:
        """Return the base's own tokenizer."""
        return tokenizer

    def make(self, hidden: int, labels: LabelSet) -> MultilabelHead:
        """Make a fresh head over states of width `hidden`."""
        return MultilabelHead(hidden, labels, self)


class MultilabelHead(LinearHead):
    """A linear layer over the pooled state, with binary cross-entropy on each label.

    Args:
        hidden: Width of the pooled state.
        labels: The classes.
        settings: Dropout and loss.
    """

    task: ClassVar[str] = "multilabel"
    pace: float = 100.0

    def __init__(self, hidden: int, labels: LabelSet, settings: MultilabelSettings) -> None:
        super().__init__(hidden, labels, settings.dropout)
        self.settings = settings

    def observe(self, train: Corpus) -> None:
        """Take the weights of the labels from the training rows, where they are asked for."""
        if self.settings.class_weights == "balanced":
            having = self.targets(train).sum(0).clamp(min=1)  # (labels,)
            self.weights = ((len(train) - having) / having).clamp(1, HEAVIEST)

    def first_biases(self, train: Corpus) -> Tensor:
        """Return the log odds of the labels among the training rows, as the loss weighs them, shape (labels,).

        A label that few rows have would otherwise spend the first hundreds of steps on becoming rare.
        """
        having = self.targets(train).sum(0)
        odds = (having + 0.5) / (len(train) - having + 0.5)
        return (odds if self.weights is None else odds * self.weights).log()

    def targets(self, corpus: Corpus) -> Tensor:
        """Return 1 where a row has a label, else 0, shape (rows, labels)."""
        lists = corpus.target or ()
        targets = torch.zeros(len(lists), len(self.labels))
        rows = np.repeat(np.arange(len(lists)), [len(own) for own in lists])
        targets[rows, self.labels.encode([name for own in lists for name in own])] = 1
        return targets

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each row, shape (batch,): the mean over its labels."""
        weights = None if self.weights is None else self.weights.to(logits.device)
        smoothing = self.settings.label_smoothing
        smoothed = targets * (1 - smoothing) + smoothing / 2
        losses = functional.binary_cross_entropy_with_logits(logits, smoothed, pos_weight=weights, reduction="none")
        return losses.mean(1)
