"""States of tokens become one state a text, and those of two texts stand side by side."""

from __future__ import annotations

from torch import Tensor


def side_by_side(states: Tensor, rows: int) -> Tensor:
    """Put the states of first and second texts, which stand behind each other, beside each other.

    Args:
        states: Of the first texts, then of the second, and of any further ones; shape (sides × rows, hidden).
        rows: How many of each.

    Returns:
        Shape (rows, sides, hidden).
    """
    return states.reshape(-1 if rows else 2, rows, states.shape[-1]).transpose(0, 1)


def pool(hidden: Tensor, mask: Tensor, pooling: str) -> Tensor:
    """Reduce the states of the tokens to one state a text.

    Args:
        hidden: Shape (batch, tokens, hidden).
        mask: 1 where there is a token, shape (batch, tokens).
        pooling: mean (over tokens), first, or last (token that is not padding).

    Returns:
        Shape (batch, hidden).
    """
    if pooling == "first":
        return hidden[:, 0]
    if pooling == "last":
        last = mask.sum(1) - 1  # (batch,)
        return hidden.gather(1, last[:, None, None].expand(-1, 1, hidden.shape[2]))[:, 0]
    weights = mask.to(hidden.dtype)[:, :, None]  # (batch, tokens, 1)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)
