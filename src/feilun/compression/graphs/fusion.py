"""The ONNX graph of features beside the text, node by node, and of a model that reads features alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
from torch import nn

from feilun.compression.graphs.writer import FEATURES, GraphWriter

if TYPE_CHECKING:
    from feilun.models.fusion import Fusion
    from feilun.models.text_model import TextModel


def write_fusion(write: GraphWriter, fusion: Fusion, pooled: str) -> str:
    """Write what `Fusion` does over pooled states and the input `features`; return the state that the head reads.

    Its products are written as `Gemm`, which stays float32 when the model becomes int8.
    """
    told = linear(write, fusion.told, write.add("Relu", linear(write, fusion.enter, FEATURES)))
    both = write.add("Concat", pooled, told, axis=1)
    gate = write.add("Sigmoid", linear(write, fusion.gate, both))
    return write.add("Add", pooled, write.add("Mul", gate, told))


def linear(write: GraphWriter, layer: nn.Module, states: str) -> str:
    """Write a linear layer over states of shape (batch, inner)."""
    weights = [write.constant(layer.get_parameter(name).detach().float().cpu().numpy()) for name in ("weight", "bias")]
    return write.add("Gemm", states, *weights, transB=1)


def blank_graph(model: TextModel) -> onnx.ModelProto:
    """Write the graph of a model whose base reads no text.

    Args:
        model: The model, whose head is a linear layer.

    Returns:
        A model from `input_ids`, `attention_mask` and `features` to `logits` and `pooled`.
    """
    assert model.fusion is not None and isinstance(model.head.linear, nn.Linear)  # noqa: S101, PT018 - by the recipe
    write = GraphWriter()
    hidden = model.base.hidden
    words: nn.Embedding = model.body.get_input_embeddings()  # type: ignore[operator]
    first = write.add("Gather", "input_ids", write.constant(0), axis=1)  # (batch,)
    pooled = write.add("Gather", write.constant(words.weight.detach().cpu().numpy()), first)  # (batch, hidden)
    logits = linear(write, model.head.linear, write_fusion(write, model.fusion, pooled))
    axes: tuple[list[str | int], list[str | int]] = ["batch", model.head.linear.out_features], ["batch", hidden]
    outputs = {"logits": (logits, axes[0]), "pooled": (pooled, axes[1])}
    return write.model(outputs, model.fusion.columns.width)
