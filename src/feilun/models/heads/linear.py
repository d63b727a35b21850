"""The module that heads with one number a label share: a linear layer over the pooled state."""

from __future__ import annotations

from torch import Tensor, nn

from feilun.core.labels import LabelSet
from feilun.models.heads.head import Head


class LinearHead(Head):
    """A linear layer over the pooled state; what is a head by it adds targets and a loss.

    Args:
        hidden: Width of the pooled state.
        labels: The classes.
        dropout: Share of the pooled state set to zero while training.
    """

    weights: Tensor | None

    def __init__(self, hidden: int, labels: LabelSet, dropout: float) -> None:
        super().__init__(labels)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden, len(labels))
        nn.init.zeros_(self.linear.bias)
        self.register_buffer("weights", None, persistent=False)

    def forward(self, pooled: Tensor) -> Tensor:
        """Return logits of shape (batch, labels) for a pooled state of shape (batch, hidden)."""
        logits: Tensor = self.linear(self.dropout(pooled))
        return logits
