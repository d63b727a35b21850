"""What the head reads while it trains: the base run anew each time, or its outputs kept from one run.

Weights that never move give the same outputs in every epoch; then the base runs once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from feilun.core.corpus import Corpus
from feilun.models.text_model import TextModel


class Inputs(Protocol):
    """Gives the pooled states of rows."""

    lengths: list[int]

    def pooled(self, rows: Sequence[int]) -> Tensor:
        """Return the pooled states of the rows, shape (rows, hidden), with gradients where the base moves."""
        ...

    def all(self) -> Tensor:
        """Return the pooled states of every row without gradients, shape (rows, hidden)."""
        ...


class TokenInputs:
    """Runs the base each time.

    Args:
        model: The model.
        tokens: Token ids of every row.
    """

    def __init__(self, model: TextModel, tokens: list[list[int]]) -> None:
        self.model = model
        self.tokens = tokens
        self.lengths = [len(row) for row in tokens]

    def pooled(self, rows: Sequence[int]) -> Tensor:
        """Return the pooled states of the rows, shape (rows, hidden)."""
        return self.model.pooled([self.tokens[i] for i in rows])

    def all(self) -> Tensor:
        """Return the pooled states of every row without gradients, shape (rows, hidden)."""
        return self.model.pooled_states(self.tokens)


class KeptInputs:
    """Holds the pooled states of a base that never moves.

    Args:
        states: Pooled states of every row, shape (rows, hidden).
    """

    def __init__(self, states: Tensor) -> None:
        self.states = states
        self.lengths = [1] * len(states)  # a kept row costs the same whatever its length

    def pooled(self, rows: Sequence[int]) -> Tensor:
        """Return the pooled states of the rows, shape (rows, hidden)."""
        return self.states[torch.as_tensor(rows)]

    def all(self) -> Tensor:
        """Return the pooled states of every row, shape (rows, hidden)."""
        return self.states


def make_inputs(model: TextModel, corpus: Corpus) -> Inputs:
    """Choose how the rows of a corpus reach the head.

    Args:
        model: The model, its adaptation applied.
        corpus: The rows.

    Returns:
        Kept outputs where the whole base stands still, else the base run anew each time.
    """
    tokens = model.encoder.encode(corpus.text, corpus.pair)
    standing_still = model.adaptation.fixed_layers(model.base) == len(model.base.layers)
    if standing_still and model.head.reads == "pooled":  # the states of all tokens would fill the memory
        return KeptInputs(model.pooled_states(tokens))
    return TokenInputs(model, tokens)
