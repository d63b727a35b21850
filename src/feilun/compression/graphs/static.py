"""The ONNX graph of a static student: token vectors and vectors of token pairs, added up, and a linear layer.

There is no transformer in it: a text costs a look-up for each of its tokens. It reads what every bundle's model reads,
so that the same runtime runs it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray

from feilun.compression.graphs.writer import GraphWriter

MULTIPLIER = 1_000_003
"""A prime; spreads pairs of neighbouring tokens over the rows of their table."""

Weights = Mapping[str, NDArray[np.float32]]


def pair_rows(left: NDArray[np.int64], right: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Return the row of each pair of neighbouring tokens in a table of `size` rows."""
    rows: NDArray[np.int64] = (left * MULTIPLIER + right) % size
    return rows


def static_graph(weights: Weights) -> onnx.ModelProto:
    """Write the graph.

    Args:
        weights: `tokens` (vocabulary, width); `pairs` (size, width), or without rows where there is none; `head`
            (labels, width) and `bias` (labels,).

    Returns:
        A model from `input_ids` and `attention_mask` (batch, tokens) to `logits` (batch, labels) and `pooled`
        (batch, width).
    """
    write = GraphWriter()
    width, labels = weights["tokens"].shape[1], len(weights["bias"])
    summed = _sum_of(write, weights["tokens"], "tokens", "input_ids", "attention_mask")
    if len(weights["pairs"]):
        right, both = (_following(write, name) for name in ("input_ids", "attention_mask"))
        hashed = write.add("Add", write.add("Mul", "input_ids", write.constant(MULTIPLIER)), right)
        rows = write.add("Mod", hashed, write.constant(len(weights["pairs"])))
        summed = write.add("Add", summed, _sum_of(write, weights["pairs"], "pairs", rows, both))
    count = write.add("ReduceSum", "attention_mask", write.constant([1]), keepdims=1)  # (batch, 1)
    count = write.add("Max", write.add("Cast", count, to=onnx.TensorProto.FLOAT), write.constant(1.0))
    pooled = write.add("Div", summed, write.add("Sqrt", count))  # (batch, width)
    head, bias = (write.constant(weights[name], name) for name in ("head", "bias"))
    logits = write.add("Gemm", pooled, head, bias, transB=1)
    return write.model({"logits": (logits, ["batch", labels]), "pooled": (pooled, ["batch", width])})


def _following(write: GraphWriter, values: str) -> str:
    """Return at each place what stands at the next one, 0 at the last; shape (batch, tokens)."""
    longer = write.add("Pad", values, write.constant([0, 0, 0, 1]))
    return write.add("Slice", longer, write.constant([1]), write.constant([2**31]), write.constant([1]))


def _sum_of(write: GraphWriter, table: NDArray[np.float32], name: str, rows: str, mask: str) -> str:
    """Add up the vectors at `rows` where there is a token; shape (batch, width)."""
    vectors = write.add("Gather", write.constant(table, name), rows)  # (batch, tokens, width)
    weights = write.add("Unsqueeze", write.add("Cast", mask, to=onnx.TensorProto.FLOAT), write.constant([1]))
    return write.add("Squeeze", write.add("MatMul", weights, vectors), write.constant([1]))
