"""Features beside the text: a small network gives them a state, and a gate says how much of it each text takes.

    state = pooled + sigmoid(gate([pooled; told])) · told,    told = network(features)

The residual form of the gated multimodal unit (Arevalo et al. 2017): the text's state stays what it is where the gate
is shut. Where there is no text its state is zero, and what is left is a gated network over the features alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from feilun.core.features import FeatureColumns
from feilun.core.remark import Remark
from feilun.core.settings import setting


@dataclass(frozen=True)
class FusionSettings:
    """The table `[model.features]`: how features reach the head."""

    width: int = setting(
        64,
        Remark(
            "numbers between the features and the state that they add to the text's",
            "各列与其加到文本状态上的向量之间的宽度",
        ),
        minimum=1,
    )
    dropout: float = setting(
        0.1, Remark("share of these set to zero while training", "训练时其中置零的比例"), minimum=0, below=1
    )


class Fusion(nn.Module):
    """Adds to the pooled state of a text what its features tell.

    Args:
        columns: Turns features into numbers.
        hidden: Width of the pooled state.
        settings: Width and dropout of the network.
    """

    def __init__(self, columns: FeatureColumns, hidden: int, settings: FusionSettings) -> None:
        super().__init__()
        self.columns = columns
        self.enter = nn.Linear(columns.width, settings.width)
        self.dropout = nn.Dropout(settings.dropout)
        self.told = nn.Linear(settings.width, hidden)
        self.gate = nn.Linear(2 * hidden, hidden)

    def forward(self, pooled: Tensor, features: Tensor) -> Tensor:
        """Return the state that the head reads.

        Args:
            pooled: States of the texts, shape (batch, hidden).
            features: Features as numbers, shape (batch, width).
        """
        told = self.told(self.dropout(torch.relu(self.enter(features))))  # (batch, hidden)
        gate = torch.sigmoid(self.gate(torch.cat([pooled, told], dim=1)))
        state: Tensor = pooled + gate * told
        return state
