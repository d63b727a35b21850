"""The ONNX graph of pooling: states of tokens become one state a text."""

from __future__ import annotations

import onnx

from feilun.compression.graphs.writer import GraphWriter


def write_pooling(write: GraphWriter, states: str, lengths: str, pooling: str) -> str:
    """Reduce states to one a text, as `feilun.models.text_model.pool` does.

    Args:
        write: Writes the graph, which reads `attention_mask`.
        states: Of all tokens, shape (batch, tokens, hidden).
        lengths: Tokens of each row, int64 (batch,).
        pooling: mean, first or last.

    Returns:
        Shape (batch, hidden).
    """
    if pooling == "first":
        return write.add("Gather", states, write.constant(0), axis=1)
    if pooling == "last":
        last = write.add("Unsqueeze", write.add("Sub", lengths, write.constant([1])), write.constant([1]))
        return write.add("GatherND", states, last, batch_dims=1)
    mask = write.add("Cast", "attention_mask", to=onnx.TensorProto.FLOAT)
    mask = write.add("Unsqueeze", mask, write.constant([1]))  # (batch, 1, tokens)
    total = write.add("Squeeze", write.add("MatMul", mask, states), write.constant([1]))  # (batch, hidden)
    count = write.add("Cast", lengths, to=onnx.TensorProto.FLOAT)
    count = write.add("Max", count, write.constant(1.0))
    return write.add("Div", total, write.add("Unsqueeze", count, write.constant([1])))
