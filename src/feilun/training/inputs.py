"""What the head reads while it trains: the base run anew each time, or what its fixed layers gave, kept from one run.

Weights that never move give the same outputs in every epoch, so they run once; without dropout, which would differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from feilun.core.corpus import Corpus
from feilun.models.answers import surprise
from feilun.models.fast_encoder import supports
from feilun.models.heads.language import LanguageHead
from feilun.models.pooling import side_by_side
from feilun.models.text_model import INFERENCE_TOKENS, TextModel, evaluating
from feilun.text.prompts import Example
from feilun.text.tokens import batches_by_length
from feilun.text.windows import windows
from feilun.training.hard_negatives import hard_negatives

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


class ApartInputs:
    """Gives the states of both texts of each row, and of hard negatives, each read for itself.

    Args:
        inner: Gives those of the first texts of all rows, then of the second ones.
        negatives: Of each row, the rows whose second texts are its hard negatives, shape (rows, negatives).
    """

    def __init__(self, inner: Inputs, negatives: NDArray[np.int64]) -> None:
        self.inner, self.negatives = inner, negatives
        first, second = np.array(inner.lengths, dtype=np.int64).reshape(2, -1)  # (rows,)
        longest = np.maximum(np.maximum(first, second), second[negatives].max(1, initial=0))
        self.lengths = ((2 + negatives.shape[1]) * longest).tolist()

    def pooled(self, rows: Sequence[int]) -> Tensor:
        """Return the states of the rows, shape (rows, 2 + negatives, hidden)."""
        own = np.asarray(rows, dtype=np.int64)
        texts = np.concatenate([own, *(len(self.lengths) + side for side in (own, *self.negatives[own].T))])
        return side_by_side(self.inner.pooled(texts.tolist()), len(own))

    def all(self) -> Tensor:
        """Return the states of both texts of every row without gradients, shape (rows, 2, hidden)."""
        return side_by_side(self.inner.all(), len(self.lengths))


class FusedInputs:
    """Adds to the states of texts what their features tell.

    Args:
        inner: Gives the states of the texts.
        model: The model.
        features: Features of every row as numbers, shape (rows, width).
    """

    def __init__(self, inner: Inputs, model: TextModel, features: Tensor) -> None:
        self.inner, self.model, self.features = inner, model, features
        self.lengths = inner.lengths

    def pooled(self, rows: Sequence[int]) -> Tensor:
        """Return the states of the rows, shape (rows, hidden)."""
        return self.model.fused(self.inner.pooled(rows), self.features[torch.as_tensor(rows)])

    def all(self) -> Tensor:
        """Return the states of every row without gradients, shape (rows, hidden)."""
        with evaluating(self.model), torch.no_grad():
            return self.model.fused(self.inner.all(), self.features)


class AnswerInputs:
    """Runs a language model over prompts with their answers.

    Batches hold rows of similar length, so that padding is rare; rows are not packed into one sequence, where a row
    could see the one before it (docs/generation.md has the figures).

    Args:
        model: The model.
        examples: Prompts with answers, one a row.
    """

    def __init__(self, model: TextModel, examples: list[Example]) -> None:
        self.model, self.examples = model, examples
        self.lengths = [len(example.ids) for example in examples]

    def pooled(self, rows: Sequence[int]) -> Tensor:
        """Return surprise and length of the rows' answers, shape (rows, 2)."""
        return surprise(self.model, [self.examples[i] for i in rows])

    def all(self) -> Tensor:
        """Return those of every row without gradients, shape (rows, 2)."""
        return self.model.surprise(self.examples)


class PassageInputs:
    """Runs a language model over texts of which it foretells tokens.

    Args:
        model: The model.
        head: Its head.
        corpus: The texts.
    """

    def __init__(self, model: TextModel, head: LanguageHead, corpus: Corpus) -> None:
        self.model, self.head = model, head
        self.passages = head.passages(corpus)
        self.lengths = [len(passage.ids) for passage in self.passages]

    def pooled(self, rows: Sequence[int]) -> Tensor:
        """Return surprise and number of the rows' foretold tokens, shape (rows, 2)."""
        return self.head.surprise(self.model, rows, [self.passages[row] for row in rows])

    def all(self) -> Tensor:
        """Return those of every row without gradients, shape (rows, 2)."""
        found = torch.zeros(len(self.lengths), 2)
        with evaluating(self.model), torch.no_grad():
            for batch in batches_by_length(self.lengths, INFERENCE_TOKENS):
                found[batch] = self.pooled(batch).cpu()
        return found


def make_inputs(model: TextModel, corpus: Corpus, *, learning: bool = False) -> Inputs:
    """Choose how the rows of a corpus reach the head.

    Args:
        model: The model, its adaptation applied.
        corpus: The rows.
        learning: Whether the model learns from them, so that those that are read apart get their hard negatives.

    Returns:
        Kept outputs where the whole base or its lower layers stand still, else the base run anew each time.
    """
    if isinstance(model.head, LanguageHead):
        return PassageInputs(model, model.head, corpus)
    if model.reads == "answers":
        return AnswerInputs(model, model.examples(corpus))
    inner = _inputs_of(model, _sequences(model, corpus))
    if model.reads != "apart":
        return _with_features(inner, model, corpus)
    return ApartInputs(inner, hard_negatives(model, corpus) if learning else _none(corpus))


def token_inputs(model: TextModel, corpus: Corpus) -> Inputs:
    """Return what runs the base anew each time, as if all of it moved; without hard negatives."""
    if model.reads == "answers":
        return AnswerInputs(model, model.examples(corpus))
    inner = TokenInputs(model, _sequences(model, corpus))
    return ApartInputs(inner, _none(corpus)) if model.reads == "apart" else _with_features(inner, model, corpus)


def _sequences(model: TextModel, corpus: Corpus) -> list[list[int]]:
    """Return the token ids of each row, or of each window of the rows where the head reads tokens."""
    return windows(model.encoder, corpus.text).rows if model.reads == "tokens" else model.encode(corpus)


def _with_features(inner: Inputs, model: TextModel, corpus: Corpus) -> Inputs:
    features = model.features(corpus)
    return inner if features is None else FusedInputs(inner, model, features)


def _none(corpus: Corpus) -> NDArray[np.int64]:
    """Return the hard negatives of rows that have none."""
    return np.empty((len(corpus), 0), np.int64)


def _inputs_of(model: TextModel, tokens: list[list[int]]) -> Inputs:
    fixed = fixed_layers(model)
    if fixed == len(model.base.layers) and model.reads != "tokens":
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
