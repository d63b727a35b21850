"""The ONNX graph of the BERT family, written node by node.

Written by hand because it is written in a moment where tracing takes many seconds, and because it computes less than
a traced graph, with the same result:

- the bias of the keys is left out: it adds the same to all scores of a query, and the softmax takes that away;
- the bias of the values goes into the bias of the layer after it, as the attention's weights sum to 1;
- tokens of all rows stand in one matrix (batch × tokens, hidden), and only the attention knows rows;
- the attention is given the length of each row, not a mask; padding must stand on the right;
- residuals are added by `Sum`, not `Add`: ONNX Runtime fuses `Add` with the `LayerNormalization` behind it into a
  kernel that takes, as measured, ten times as long as the normalisation alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray
from torch import nn

from feilun.compression.graphs.fusion import write_fusion
from feilun.compression.graphs.open_graph import (
    OpenWriter,
    with_bottlenecks,
    with_updates,
    write_bottleneck,
    write_update,
)
from feilun.compression.graphs.pooling import write_pooling
from feilun.compression.graphs.writer import GraphWriter
from feilun.models.adaptations.own_weights import Weights, base_weights, graph_weights

if TYPE_CHECKING:
    from feilun.models.bases.base import Base
    from feilun.models.text_model import TextModel

FAMILY = {"bert", "roberta", "xlm-roberta", "camembert"}

LINEAR = (
    *(f"attention.self.{part}" for part in ("query", "key", "value")), "attention.output.dense", "intermediate.dense",
    "output.dense",
)  # fmt: skip
"""Linear layers of a transformer layer."""

BOTTLENECKS = (
    "attention.output.dropout.bottleneck.gelu", "output.dropout.bottleneck.gelu", "output.LayerNorm.bottleneck.relu",
)  # fmt: skip
"""Places of adapters in a transformer layer, with their activation: two after sub-layers, one around the last norm."""

ACTIVATIONS: dict[str, tuple[str, dict[str, str]]] = {
    "gelu": ("Gelu", {}),
    "gelu_new": ("Gelu", {"approximate": "tanh"}),
    "gelu_pytorch_tanh": ("Gelu", {"approximate": "tanh"}),
    "relu": ("Relu", {}),
}


def is_bert(model: TextModel) -> bool:
    """Say whether this file can write a model: a base of the family, a linear head."""
    return has_linear_head(model) and is_plain_bert(model.body)


def has_linear_head(model: TextModel) -> bool:
    """Say whether a head is one linear layer over states, or none."""
    linear = getattr(model.head, "linear", None)
    own = {id(weight) for weight in model.head.parameters()}
    return own == {id(weight) for weight in (linear.parameters() if isinstance(linear, nn.Linear) else ())}


def is_plain_bert(body: nn.Module) -> bool:
    """Say whether a base is one that this file can write: a plain BERT, RoBERTa or XLM-R; low-rank updates do no harm.

    Args:
        body: The transformers model, adapted or not.
    """
    config: Any = body.config
    names = {name.removesuffix(".weight").removesuffix(".bias") for name in graph_weights(body)}
    return (
        config.model_type in FAMILY
        and config.hidden_act in ACTIVATIONS
        and not getattr(config, "is_decoder", False)
        and all(_known(name, config.num_hidden_layers) for name in names)
    )


def bert_graph(model: TextModel) -> onnx.ModelProto:
    """Write the graph of a model for which `is_bert` holds.

    Args:
        model: The model; its weights are copied as float32.

    Returns:
        A model from `input_ids` and `attention_mask` (batch, tokens), and `features` (batch, width) where there are
        some, to `logits` (batch, labels) and `pooled` (batch, hidden).
    """
    write, hidden = GraphWriter(), model.base.hidden
    states, pooled = _encoder(write, graph_weights(model.body), model.base)
    state = pooled if model.fusion is None else write_fusion(write, model.fusion, pooled)
    logits, axes = _head(write, model, states, state)
    outputs: dict[str, tuple[str, list[str | int]]] = {
        "logits": (logits, axes), "pooled": (pooled, ["batch", hidden])
    }  # fmt: skip
    return write.model(outputs, None if model.fusion is None else model.fusion.columns.width)


def open_bert_graph(base: Base) -> onnx.ModelProto:
    """Write the open graph of a base of this family, adapted or not; see `open_graph`.

    Args:
        base: The base; what an adaptation added to it is left out.

    Returns:
        A model from `input_ids` and `attention_mask` (batch, tokens) to `states` (batch, tokens, hidden) and `pooled`
        (batch, hidden), with the places of every adaptation.
    """
    config: Any = base.model.config
    layers = [f"encoder.layer.{i}" for i in range(config.num_hidden_layers)]
    weights = with_updates(base_weights(base.model), [f"{layer}.{part}" for layer in layers for part in LINEAR])
    weights = with_bottlenecks(weights, [f"{layer}.{place}" for layer in layers for place in BOTTLENECKS], base.hidden)
    write = OpenWriter()
    states, pooled = _encoder(write, weights, base)
    axes: list[str | int] = ["batch", "tokens", base.hidden]
    outputs: dict[str, tuple[str, list[str | int]]] = {
        "states": (states, axes), "pooled": (pooled, ["batch", base.hidden])
    }  # fmt: skip
    return write.model(outputs)


def _encoder(write: GraphWriter, weights: Weights, base: Base) -> tuple[str, str]:
    """Write all but the head; return states of shape (batch, tokens, hidden) and pooled ones (batch, hidden)."""
    config: Any = base.model.config
    lengths = write.add("ReduceSum", "attention_mask", write.constant([1]), keepdims=0)  # (batch,)
    shape = write.add("Concat", write.add("Shape", "input_ids"), write.constant([config.hidden_size]), axis=0)
    states = _embeddings(write, weights, config)  # (batch, tokens, hidden)
    states = write.add("Reshape", states, write.constant([-1, config.hidden_size]))  # (batch × tokens, hidden)
    for i in range(config.num_hidden_layers):
        states = _layer(write, weights, config, f"encoder.layer.{i}.", states, lengths)
    states = write.add("Reshape", states, shape)
    return states, write_pooling(write, states, lengths, base.pooling)


def _head(write: GraphWriter, model: TextModel, states: str, pooled: str) -> tuple[str, list[str | int]]:
    """Write the head over what it reads; return its logits and their axes."""
    head: Any = model.head.linear
    if head is None:  # vectors are the pooled states themselves
        return write.add("Identity", pooled), ["batch", model.base.hidden]
    weights = [
        write.constant(tensor.detach().float().cpu().numpy(), "head") for tensor in (head.weight, head.bias)
    ]  # fmt: skip
    if model.reads != "tokens":
        return write.add("Gemm", pooled, *weights, transB=1), ["batch", head.out_features]
    flat = write.add("Reshape", states, write.constant([-1, head.in_features]))  # (batch × tokens, hidden)
    logits = write.add("Gemm", flat, *weights, transB=1)
    shape = write.add("Concat", write.add("Shape", "input_ids"), write.constant([head.out_features]), axis=0)
    return write.add("Reshape", logits, shape), ["batch", "tokens", head.out_features]


def _known(name: str, layers: int) -> bool:
    """Say whether a module is one that the graph has a place for."""
    inner = {*LINEAR, "attention.output.LayerNorm", "output.LayerNorm"}
    inner |= {f"{place}.{part}" for place in BOTTLENECKS for part in ("down", "up")}
    embeddings = {"word_embeddings", "position_embeddings", "token_type_embeddings", "LayerNorm"}
    layer = {f"encoder.layer.{i}.{part}" for i in range(layers) for part in inner}
    unused = {"embeddings.position_ids", "embeddings.token_type_ids"}
    return name in layer or name in {f"embeddings.{part}" for part in embeddings} or name in unused


def _embeddings(write: GraphWriter, weights: Weights, config: Any) -> str:
    """Sum the embeddings of word, position and (only) token type; shape (batch, tokens, hidden)."""
    words = write.add("Gather", write.constant(weights["embeddings.word_embeddings.weight"], "words"), "input_ids")
    places = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    table = write.constant(places, "positions")
    if config.model_type == "bert":
        tokens = write.add("Shape", "input_ids", start=1, end=2)
        positions = write.add("Slice", table, write.constant([0]), tokens)  # (tokens, hidden)
    else:  # RoBERTa counts from the padding's id, and does not count padding
        present = write.add("Not", write.add("Equal", "input_ids", write.constant(config.pad_token_id)))
        present = write.add("Cast", present, to=onnx.TensorProto.INT64)
        counted = write.add("Mul", write.add("CumSum", present, write.constant(1)), present)
        positions = write.add("Gather", table, write.add("Add", counted, write.constant(config.pad_token_id)))
    return _normalised(write, weights, config, "embeddings.LayerNorm", write.add("Sum", words, positions))


def _layer(write: GraphWriter, weights: Weights, config: Any, at: str, states: str, lengths: str) -> str:
    """Write one transformer layer over states of shape (batch × tokens, hidden)."""
    query = _product(write, weights, f"{at}attention.self.query", states)
    query = write.add("Add", query, write.constant(weights[f"{at}attention.self.query.bias"]))
    key = _product(write, weights, f"{at}attention.self.key", states)
    value = _product(write, weights, f"{at}attention.self.value", states)
    through = weights[f"{at}attention.output.dense.weight"].astype(np.float64)
    bias, later = weights[f"{at}attention.output.dense.bias"], weights[f"{at}attention.self.value.bias"]
    if f"{at}attention.output.dense.low_rank.a" in weights:  # an update has to read the values with their bias
        value = write.add("Add", value, write.constant(later))
    else:
        bias = (bias + through @ later).astype(np.float32)
    width = len(weights[f"{at}attention.self.query.bias"])  # heads × size: less than hidden where heads were pruned
    heads = width * config.num_attention_heads // config.hidden_size
    apart = write.add("Concat", write.add("Shape", "input_ids"), write.constant([width]), axis=0)
    rows = [write.add("Reshape", part, apart) for part in (query, key, value)]  # (batch, tokens, width)
    mixed = write.add("Attention", *rows, "", "", "", lengths, q_num_heads=heads, kv_num_heads=heads)
    mixed = write.add("Reshape", mixed, write.constant([-1, width]))

    attended = _product(write, weights, f"{at}attention.output.dense", mixed)
    terms = _adapted(write, weights, f"{at}attention.output", attended, bias)
    summed = write.add("Sum", *terms, states)
    states = _normalised(write, weights, config, f"{at}attention.output.LayerNorm", summed)

    inner = _product(write, weights, f"{at}intermediate.dense", states)
    inner = write.add("Add", inner, write.constant(weights[f"{at}intermediate.dense.bias"]))
    activation, attributes = ACTIVATIONS[config.hidden_act]
    inner = write.add(activation, inner, **attributes)
    outer = _product(write, weights, f"{at}output.dense", inner)
    terms = _adapted(write, weights, f"{at}output", outer, weights[f"{at}output.dense.bias"])
    summed = write.add("Sum", *terms, states)
    return _normalised(write, weights, config, f"{at}output.LayerNorm", summed)


def _product(write: GraphWriter, weights: Weights, name: str, states: str) -> str:
    product = write.add("MatMul", states, write.constant(weights[f"{name}.weight"].T, name))
    return write_update(write, weights, name, states, product)


def _adapted(write: GraphWriter, weights: Weights, sublayer: str, states: str, bias: NDArray[np.float32]) -> list[str]:
    """Return what sums to a sub-layer's output: product, bias and, where there is an adapter, what that adds."""
    place = f"{sublayer}.dropout.bottleneck.gelu"
    if f"{place}.up.weight" not in weights:
        return [states, write.constant(bias)]
    output = write.add("Add", states, write.constant(bias))
    return [write.branch(place, output, write_bottleneck(write, weights, place, output))]


def _normalised(write: GraphWriter, weights: Weights, config: Any, name: str, states: str) -> str:
    scale, shift = (write.movable(weights[f"{name}.{part}"], f"{name}.{part}") for part in ("weight", "bias"))
    norm: dict[str, Any] = {"axis": -1, "epsilon": float(config.layer_norm_eps)}
    normalised = write.add("LayerNormalization", states, scale, shift, **norm)
    place = f"{name}.bottleneck.relu"
    if f"{place}.up.weight" not in weights:
        return normalised
    summed = write.branch(place, states, write_bottleneck(write, weights, place, normalised))
    return write.add("LayerNormalization", summed, scale, shift, **norm)
