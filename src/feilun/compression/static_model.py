"""A static student while it learns: the torch twin of `static_graph`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from feilun.compression.graphs.static import Weights, pair_rows


@dataclass(frozen=True)
class Bags:
    """Token ids of rows, one behind the other, as embedding bags take them.

    Args:
        tokens: Ids of all rows, shape (tokens of all rows,).
        starts: Where each row starts in `tokens`, shape (rows,).
        pairs: Rows of the table of pairs, shape (pairs of all rows,).
        pair_starts: Where each row starts in `pairs`, shape (rows,).
        lengths: Tokens of each row, shape (rows,).
    """

    tokens: Tensor
    starts: Tensor
    pairs: Tensor
    pair_starts: Tensor
    lengths: Tensor


def bags(rows: Sequence[Sequence[int]], size: int) -> Bags:
    """Put rows of token ids into bags.

    Args:
        rows: Token ids of each row.
        size: Rows of the table of pairs; 0 leaves pairs out.
    """
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    flat = np.fromiter((token for row in rows for token in row), dtype=np.int64, count=int(lengths.sum()))
    starts = np.concatenate([[0], lengths.cumsum()[:-1]]) if len(rows) else np.empty(0, np.int64)
    inside = np.ones(max(0, len(flat) - 1), dtype=bool)
    inside[starts[1:][(starts[1:] > 0) & (starts[1:] < len(flat))] - 1] = False  # not from one row into the next
    paired = pair_rows(flat[:-1], flat[1:], size)[inside] if size else np.empty(0, np.int64)
    counts = np.maximum(lengths - 1, 0) if size else np.zeros_like(lengths)
    pair_starts = np.concatenate([[0], counts.cumsum()[:-1]]) if len(rows) else starts
    arrays = (flat, starts, paired, pair_starts, lengths)
    return Bags(*(torch.from_numpy(array.astype(np.int64)) for array in arrays))


class StaticModel(nn.Module):
    """Token vectors and vectors of token pairs, added up, and a linear layer.

    Args:
        tokens: First vectors of the tokens, shape (vocabulary, width).
        pairs: Rows of the table of pairs, which start at zero; 0 for none.
        labels: Number of logits.
        dropout: Dropout of the summed vectors while learning.
    """

    def __init__(self, tokens: NDArray[np.float32], pairs: int, labels: int, dropout: float) -> None:
        super().__init__()
        width = tokens.shape[1]
        self.pairs = pairs
        self.token_vectors = nn.EmbeddingBag.from_pretrained(
            torch.from_numpy(tokens), freeze=False, mode="sum", sparse=True
        )
        self.pair_vectors = nn.EmbeddingBag.from_pretrained(
            torch.zeros(max(1, pairs), width), freeze=False, mode="sum", sparse=True
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, labels)

    def forward(self, rows: Bags) -> Tensor:
        """Return logits of shape (rows, labels)."""
        summed = self.token_vectors(rows.tokens, rows.starts)  # (rows, width)
        if self.pairs:
            summed = summed + self.pair_vectors(rows.pairs, rows.pair_starts)
        pooled = summed / rows.lengths.clamp(min=1)[:, None].float().sqrt()
        logits: Tensor = self.head(self.dropout(pooled))
        return logits

    def weights(self) -> Weights:
        """Return the weights as `static_graph` takes them."""
        found = {
            "tokens": self.token_vectors.weight,
            "pairs": self.pair_vectors.weight[: self.pairs],
            "head": self.head.weight,
            "bias": self.head.bias,
        }
        return {name: tensor.detach().cpu().numpy() for name, tensor in found.items()}
