"""Where each token of a batch lies: packed for matrices and norms, padded and split by heads for attention.

Sizes in comments: B rows, L their width in attention, T packed tokens, H hidden, A heads, D = H / A.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional


class Layout:
    """Where each token of a batch lies: packed for matrices and norms, padded and split by heads for attention.

    The number of packed tokens is rounded up, because the matrix library compiles kernels for each new size; the
    surplus tokens repeat the first and receive no gradient. Splitting and joining heads move vectors of D elements by
    one index, where padding and transposing would pass over the data twice.

    Args:
        mask: Attention mask, shape (batch, tokens).
        heads: A.
        dtype: Type of the activations.
    """

    def __init__(self, mask: Tensor, heads: int, dtype: torch.dtype) -> None:
        self.rows, self.longest = rows, longest = mask.shape
        self.width = width = -(-longest // 16) * 16
        self.heads, self.dtype = heads, dtype
        kept = functional.pad(mask != 0, (0, width - longest))  # (B, L)
        found = kept.view(-1).nonzero()[:, 0]
        self.count = count = len(found)
        step = max(8, 2 ** int(math.log2(count + 1) - 4.5))  # beyond 8, at most 4 % of surplus
        self.tokens = functional.pad(found, (0, -count % step if count else step))  # (T,): slot of each packed token
        self.slots = torch.zeros(rows * width, dtype=torch.long)  # (B*L,): packed token of each slot
        self.slots[found] = torch.arange(count)
        self.real = kept.to(dtype)  # (B, L): 1 on tokens, 0 on padding
        self.bias = torch.where(kept, 0.0, -1e9)[:, None, :].expand(rows, width, width).reshape(rows, 1, -1)
        self.to_heads = {parts: self._to_heads(parts) for parts in (1, 3)}
        self.to_tokens = {parts: self._to_tokens(parts) for parts in (1, 3)}

    def with_heads(self, heads: int) -> Layout:
        """Return where the same tokens lie in a layer of another number of heads."""
        other = copy.copy(self)
        other.heads = heads
        other.to_heads = {parts: other._to_heads(parts) for parts in (1, 3)}
        other.to_tokens = {parts: other._to_tokens(parts) for parts in (1, 3)}
        return other

    def _to_heads(self, parts: int) -> Tensor:
        vectors = torch.arange(len(self.tokens) * parts * self.heads).view(-1, parts * self.heads)
        by_slot = vectors.index_select(0, self.slots).view(self.rows, self.width, parts, self.heads)
        return by_slot.permute(2, 0, 3, 1).reshape(-1)  # (parts * B * A * L,)

    def _to_tokens(self, parts: int) -> Tensor:
        vectors = torch.arange(parts * self.rows * self.heads * self.width)
        by_slot = vectors.view(parts, self.rows, self.heads, self.width).permute(1, 3, 0, 2)  # (B, L, parts, A)
        return by_slot.reshape(len(self.slots), -1).index_select(0, self.tokens).view(-1)  # (T * parts * A,)

    def split(self, packed: Tensor, parts: int = 1) -> Tensor:
        """(T, parts*H) to (parts, B*A, L, D); arbitrary on padding."""
        vectors = packed.view(len(self.tokens) * parts * self.heads, -1).index_select(0, self.to_heads[parts])
        return vectors.view(parts, self.rows * self.heads, self.width, -1)

    def split_gradient(self, packed: Tensor) -> Tensor:
        """(T, H) to (B*A, L, D); zero on padding."""
        split = self.split(packed)[0]
        split.view(self.rows, self.heads, self.width, -1).mul_(self.real[:, None, :, None])
        return split

    def join(self, split: Tensor, parts: int = 1) -> Tensor:
        """(parts, B*A, L, D) to (T, parts*H)."""
        vectors = split.view(-1, split.shape[-1]).index_select(0, self.to_tokens[parts])
        return vectors.view(len(self.tokens), -1)

    def silence(self, packed: Tensor) -> Tensor:
        """Set the surplus tokens of (T, n) to zero."""
        packed[self.count :] = 0
        return packed

    def unpack(self, packed: Tensor) -> Tensor:
        """(T, H) to (batch, tokens, H); zero on padding."""
        padded = packed.index_select(0, self.slots).view(self.rows, self.width, -1)
        return padded.mul_(self.real[:, :, None])[:, : self.longest]

    def pack(self, padded: Tensor) -> Tensor:
        """(batch, tokens, H) to (T, H); zero on surplus tokens."""
        wide = functional.pad(padded, (0, 0, 0, self.width - self.longest)).to(self.dtype)  # (B, L, H)
        return self.silence(wide.reshape(len(self.slots), -1).index_select(0, self.tokens))


class Unpack(torch.autograd.Function):
    """`Layout.unpack`, whose gradient is `Layout.pack`."""

    @staticmethod
    def forward(ctx: Any, packed: Tensor, layout: Layout) -> Tensor:
        """(T, H) to (batch, tokens, H)."""
        ctx.layout = layout
        return layout.unpack(packed)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """(batch, tokens, H) to (T, H)."""
        return ctx.layout.pack(gradient), None


class Pack(torch.autograd.Function):
    """`Layout.pack`, whose gradient is `Layout.unpack`."""

    @staticmethod
    def forward(ctx: Any, padded: Tensor, layout: Layout) -> Tensor:
        """(batch, tokens, H) to (T, H)."""
        ctx.layout, ctx.dtype = layout, padded.dtype
        return layout.pack(padded)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """(T, H) to (batch, tokens, H)."""
        return ctx.layout.unpack(gradient).to(ctx.dtype), None
