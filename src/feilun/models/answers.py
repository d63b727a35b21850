"""Language models of torch: how likely known answers are, and answers written by them."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from feilun.text.prompts import Example
from feilun.text.tokens import pad

if TYPE_CHECKING:
    from feilun.models.text_model import TextModel

POSITIONS = 256
"""Tokens whose logits are there at once: over a vocabulary of 262,144 these alone are a quarter of a gigabyte."""


def surprise(model: TextModel, examples: Sequence[Example]) -> Tensor:
    """Run the base over prompts with answers; logits are computed where the answers' tokens are foretold, only.

    Args:
        model: A model that writes answers.
        examples: The rows.

    Returns:
        Of each row the negative log likelihood of its answer and the number of the answer's tokens, shape (rows, 2),
        with gradients where the base moves.
    """
    hidden, _ = model.hidden([example.ids for example in examples])  # (rows, tokens, hidden)
    places = [
        (row, place, example.ids[place + 1])
        for row, example in enumerate(examples)
        for place in range(len(example.ids) - example.answer - 1, len(example.ids) - 1)
    ]
    rows, columns, tokens = torch.tensor(places, dtype=torch.long, device=model.device).reshape(-1, 3).T
    states = hidden[rows, columns].float()  # (answers' tokens, hidden)
    losses = token_losses(model, states, tokens)
    sums = losses.new_zeros(len(examples)).index_add(0, rows, losses)
    counts = torch.tensor([float(example.answer) for example in examples], device=model.device)
    return torch.stack([sums, counts], dim=1)


def token_losses(model: TextModel, states: Tensor, tokens: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return the negative log likelihood of tokens, `POSITIONS` of them at once.

    Args:
        model: Its output matrix gives the logits.
        states: What the tokens are foretold from, shape (tokens, hidden).
        tokens: Their ids, shape (tokens,).
        bias: Added to the logits, shape (vocabulary,).

    Returns:
        Shape (tokens,).
    """
    parts = zip(torch.split(states, POSITIONS), torch.split(tokens, POSITIONS), strict=True)
    return torch.cat([states.new_zeros(0), *(_losses_of(model, own, ids, bias) for own, ids in parts)])


def _losses_of(model: TextModel, states: Tensor, tokens: Tensor, bias: Tensor | None) -> Tensor:
    """Return the negative log likelihood of tokens; logits are not kept for the gradients but computed once more."""

    def losses(states: Tensor, weights: Tensor, bias: Tensor | None) -> Tensor:
        logits = logits_of(model, states, weights).float()
        return functional.cross_entropy(logits if bias is None else logits + bias, tokens, reduction="none")

    weights = output_weights(model)
    if not torch.is_grad_enabled():
        return losses(states, weights, bias)
    found: Tensor = checkpoint(losses, states, weights, bias, use_reentrant=False)
    return found


def logits_of(model: TextModel, states: Tensor, weights: Tensor) -> Tensor:
    """Return the logits of the next token, shape (…, vocabulary), for final states of shape (…, hidden)."""
    with model.precision():
        logits = states @ weights.T
    cap = getattr(model.body.config, "final_logit_softcapping", None)
    return logits if cap is None else cap * torch.tanh(logits / cap)


def output_weights(model: TextModel) -> Tensor:
    """Return the matrix from states to logits: one of the base's own, which stands still, or its word embeddings."""
    if model.base.output is not None:
        return model.base.output.to(model.device)
    embeddings: Any = model.body.get_input_embeddings()  # type: ignore[operator]
    weight: Tensor = embeddings.weight
    return weight


class TorchEngine:
    """Gives the next token's logits by torch, with the keys and values of what was read kept.

    Args:
        model: A model that writes answers, in evaluation mode.
    """

    def __init__(self, model: TextModel) -> None:
        self.model = model
        self._kept: Any = None
        known = inspect.signature(model.body.forward).parameters
        self._cache = "cache" if "cache" in known else "past_key_values"  # the new name since transformers 5.2x
        self._mask = torch.empty(0)

    def start(self, prompts: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Read prompts; return the logits of the token behind each, shape (rows, vocabulary)."""
        longest = max(map(len, prompts))
        ids, mask = pad([list(reversed(prompt)) for prompt in prompts], self.model.base.pad_id)
        self._mask = torch.from_numpy(mask[:, ::-1].copy()).to(self.model.device)  # padding stands on the left
        self._kept = None
        return self._run(torch.from_numpy(ids[:, ::-1].copy()), self._mask.cumsum(1).sub(1).clamp(min=0), longest)

    def go_on(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Read one more token of each row; return the logits of the one behind it, shape (rows, vocabulary)."""
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(tokens), 1)], dim=1)
        return self._run(torch.tensor(tokens)[:, None], self._mask.sum(1, keepdim=True) - 1, 1)

    def _run(self, ids: Tensor, positions: Tensor, count: int) -> NDArray[np.float32]:
        body: Any = self.model.body
        with torch.no_grad(), self.model.precision():
            output = body(
                input_ids=ids.to(self.model.device), attention_mask=self._mask, position_ids=positions[:, -count:],
                use_cache=True, **{self._cache: self._kept},
            )  # fmt: skip
            self._kept = output.past_key_values
            last = output.last_hidden_state[:, -1].float()
            logits: NDArray[np.float32] = logits_of(self.model, last, output_weights(self.model)).float().cpu().numpy()
        return logits
