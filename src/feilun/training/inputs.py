"""What the head reads while it trains: the base run anew each time, or what its fixed layers gave, kept from one run.

Weights that never move give the same outputs in every epoch, so they run once; without dropout, which would differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from feilun.core.corpus import Corpus
from feilun.models.fast_encoder import supports
from feilun.models.text_model import INFERENCE_TOKENS, TextModel, evaluating
from feilun.text.tokens import batches_by_length

MOST_KEPT_BYTES = 2 * 2**30
"""Largest memory for kept states of tokens; where they would take more, the fixed layers run anew each time."""


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


class KeptLayers:
    """Holds what the fixed lower layers gave for every token, and runs the upper ones.

    Args:
        model: The model; its base must be one that `fast_encoder.supports`.
        tokens: Token ids of every row.
        fixed: How many of the lowest layers never move.
    """

    def __init__(self, model: TextModel, tokens: list[list[int]], fixed: int) -> None:
        self.model, self.fixed = model, fixed
        self.lengths = [len(row) for row in tokens]
        self.starts = [0, *accumulate(self.lengths)]
        self.states = torch.empty(self.starts[-1], model.base.hidden, dtype=model.dtype)  # (tokens of all rows, hidden)
        with evaluating(model), torch.no_grad():
            for batch in batches_by_length(self.lengths, INFERENCE_TOKENS):
                hidden, _ = model.hidden([tokens[i] for i in batch], layers=fixed)
                for states, row in zip(hidden, batch, strict=True):
                    self.states[self.starts[row] : self.starts[row + 1]] = states[: self.lengths[row]]

    def pooled(self, rows: Sequence[int]) -> Tensor:
        """Return the pooled states of the rows, shape (rows, hidden)."""
        lengths = torch.tensor([self.lengths[row] for row in rows])
        hidden = pad_sequence([self.states[self.starts[row] : self.starts[row + 1]] for row in rows], batch_first=True)
        mask = (torch.arange(hidden.shape[1])[None] < lengths[:, None]).long()  # (rows, tokens)
        return self.model.pooled_from(hidden, mask, self.fixed)

    def all(self) -> Tensor:
        """Return the pooled states of every row without gradients, shape (rows, hidden)."""
        pooled = torch.empty(len(self.lengths), self.model.base.hidden)
        with evaluating(self.model), torch.no_grad():
            for batch in batches_by_length(self.lengths, INFERENCE_TOKENS):
                pooled[batch] = self.pooled(batch)
        return pooled


def make_inputs(model: TextModel, corpus: Corpus) -> Inputs:
    """Choose how the rows of a corpus reach the head.

    Args:
        model: The model, its adaptation applied.
        corpus: The rows.

    Returns:
        Kept outputs where the whole base or its lower layers stand still, else the base run anew each time.
    """
    tokens = model.encoder.encode(corpus.text, corpus.pair)
    fixed = fixed_layers(model)
    if fixed == len(model.base.layers) and model.reads == "pooled":
        return KeptInputs(model.pooled_states(tokens))
    kept_bytes = sum(map(len, tokens)) * model.base.hidden * model.dtype.itemsize
    if fixed and kept_bytes <= MOST_KEPT_BYTES and supports(model.body):
        return KeptLayers(model, tokens, fixed)
    return TokenInputs(model, tokens)


def fixed_layers(model: TextModel) -> int:
    """Return how many of the base's lowest layers never move, nor anything outside the layers."""
    layers = list(model.base.layers)
    inside = {id(weight) for layer in layers for weight in layer.parameters()}
    if any(weight.requires_grad and id(weight) not in inside for weight in model.body.parameters()):
        return 0
    moves = [any(weight.requires_grad for weight in layer.parameters()) for layer in layers]
    return moves.index(True) if True in moves else len(layers)
