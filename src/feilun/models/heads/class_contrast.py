"""Texts of one class drawn together, those of others apart: how an encoder learns from a few rows of each class."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from feilun.core.corpus import Corpus
from feilun.core.labels import LabelSet
from feilun.models.heads.head import Head

TEMPERATURE = 0.1
"""Divides the cosines in the losses."""


class ClassContrastHead(Head):
    """A direction for each class, and a loss over the texts of a batch; another head takes its place in the end.

    The loss of a row is that of finding its class among the directions (Wang et al. 2017, "NormFace"), and of finding
    the other rows of its class among those of the batch (Khosla et al. 2020, "Supervised Contrastive Learning"). Pairs
    are formed within a batch only, so memory grows with the rows of a batch, and with those of the set not at all.

    Args:
        hidden: Width of the pooled state.
        labels: The classes.
    """

    task: ClassVar[str] = "classify"

    def __init__(self, hidden: int, labels: LabelSet) -> None:
        super().__init__(labels)
        self.directions = nn.Parameter(torch.zeros(len(labels), hidden))

    def begin_with(self, states: Tensor, targets: Tensor) -> None:
        """Let each direction be the mean of its class.

        Args:
            states: Pooled states of the training rows, shape (rows, hidden).
            targets: Their classes, shape (rows,).
        """
        with torch.no_grad():
            self.directions.zero_().index_add_(0, targets, functional.normalize(states, dim=1))
            self.directions.copy_(functional.normalize(self.directions, dim=1))

    def forward(self, pooled: Tensor) -> Tensor:
        """Return scaled cosines with the directions, shape (batch, labels); in training, the states behind them."""
        states = functional.normalize(pooled, dim=1)  # (batch, hidden)
        cosines = states @ functional.normalize(self.directions, dim=1).T / TEMPERATURE
        return torch.cat([cosines, states], dim=1) if self.training else cosines

    def targets(self, corpus: Corpus) -> Tensor:
        """Return class indices of shape (rows,)."""
        return torch.from_numpy(self.labels.encode([str(target) for target in corpus.target or ()]))

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each row, shape (batch,).

        Args:
            logits: What `forward` gave in training, shape (batch, labels + hidden).
            targets: Class indices, shape (batch,).
        """
        cosines, states = logits[:, : len(self.labels)], logits[:, len(self.labels) :]
        return functional.cross_entropy(cosines, targets, reduction="none") + within_batch(states, targets)


def within_batch(states: Tensor, targets: Tensor) -> Tensor:
    """Return the supervised contrastive loss of each row, 0 where no other row of the batch has its class.

    Args:
        states: Of length one, shape (batch, hidden).
        targets: Class indices, shape (batch,).
    """
    alone = torch.eye(len(states), dtype=torch.bool, device=states.device)
    scores = (states @ states.T / TEMPERATURE).masked_fill(alone, -torch.inf)  # (batch, batch)
    others = (targets[:, None] == targets) & ~alone
    surprise = scores.logsumexp(1, keepdim=True) - scores  # (batch, batch)
    found = surprise.masked_fill(~others, 0.0).sum(1)
    return found / others.sum(1).clamp(min=1)
