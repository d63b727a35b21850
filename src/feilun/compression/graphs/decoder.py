"""The ONNX graph of the Llama, Qwen and Gemma families, written node by node, with a cache of keys and values.

Written by hand because tracing takes 40 to 120 s and gives a graph without a cache. One graph both reads prompts and
writes answers: it reads tokens behind those that the cache holds, and gives the logits of the picked ones alone, as
those of all tokens of a prompt would be gigabytes over a large vocabulary. Attention is ONNX Runtime's
`GroupQueryAttention`: each row has its own length, padding stands on the right, rotation and sliding windows are in it.

In int8 each matrix is stored in blocks of a row that share a scale (`block_matrix`); the table of word
embeddings is stored once, though it is looked up in at the start and multiplied with at the end.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto

from feilun.compression.graphs.block_matrix import block_matrix, lookup, product
from feilun.compression.graphs.open_graph import (
    OpenWriter,
    with_bottlenecks,
    with_updates,
    write_bottleneck,
    write_update,
)
from feilun.compression.graphs.pooling import write_pooling
from feilun.compression.graphs.writer import CONTRIBUTED, GraphWriter
from feilun.models.adaptations.own_weights import Weights, base_weights, graph_weights
from feilun.models.heads.generate import HEAD_MULTIPLE, WRITTEN

if TYPE_CHECKING:
    from feilun.models.bases.base import Base
    from feilun.models.text_model import TextModel


OUTPUT = "output.weight"
"""Name of an output matrix that is not the table of word embeddings."""

ZERO_CENTRED = frozenset({"gemma3_text"})
"""Families whose norms multiply by one more than their weights say."""

LINEAR = (
    *(f"self_attn.{part}_proj" for part in "qkvo"), *(f"mlp.{part}_proj" for part in ("gate", "up", "down")),
)  # fmt: skip
"""Linear layers of a transformer layer."""

PARTS = ("key", "value")
"""What a layer keeps of a token."""

ADAPTERS = ("bottleneck.gelu", "bottleneck.relu")
"""What may follow a linear layer, by the activation of the bottleneck."""

BOTTLENECKS = ("self_attn.o_proj.bottleneck.gelu", "mlp.down_proj.bottleneck.gelu", "mlp.down_proj.bottleneck.relu")
"""Places of adapters in a transformer layer."""

ACTIVATIONS = {"silu": "Swish", "gelu_pytorch_tanh": "Gelu", "gelu_new": "Gelu"}


def decoder_graph(model: TextModel, *, block: int | None = None) -> onnx.ModelProto:
    """Write the graph of a language model of the families that `models/heads/generate.py` names.

    Args:
        model: The model, folded.
        block: Most numbers of a row of a matrix that share a scale in int8; None: float32.

    Returns:
        A model from `input_ids` (batch, tokens), `lengths` (batch,), the tokens of each row with those in the cache,
        `longest` (), the largest of them, `picked` (picked,), places in batch × tokens, and the cache, to `logits`
        (picked, vocabulary), `states` (picked, hidden) and the grown cache.
    """
    return _Decoder(GraphWriter(), graph_weights(model.body), model.base, model.encoder.max_tokens, block).graph()


def open_decoder_graph(base: Base, max_tokens: int, *, block: int | None = None) -> onnx.ModelProto:
    """Write the open graph of a base of these families, adapted or not; see `open_graph`.

    Args:
        base: The base; what an adaptation added to it is left out.
        max_tokens: Longest context; the graph holds the rotation of each place.
        block: Most numbers of a row of a matrix of the base that share a scale in int8; None: float32.

    Returns:
        A model that reads and gives what `decoder_graph` says, with the places of every adaptation.
    """
    return _Decoder(OpenWriter(), _open_weights(base), base, max_tokens, block).graph()


def open_reader_graph(base: Base, max_tokens: int) -> onnx.ModelProto:
    """Write the open graph of a base of these families that reads texts and writes none.

    Args:
        base: The base, adapted or not.
        max_tokens: Longest text.

    Returns:
        A model from `input_ids` and `attention_mask` (batch, tokens) to `states` (batch, tokens, hidden) and `pooled`
        (batch, hidden), as that of an encoder.
    """
    return _Decoder(OpenWriter(), _open_weights(base), base, max_tokens, None).reader(base.pooling)


def is_known_decoder(base: Base) -> bool:
    """Say whether a base is of these families, with heads of a size that ONNX Runtime's attention takes."""
    config: Any = base.model.config
    if config.model_type not in WRITTEN:
        return False
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(size) % HEAD_MULTIPLE == 0


def _open_weights(base: Base) -> Weights:
    layers = [f"layers.{i}" for i in range(len(base.layers))]
    weights = with_updates(base_weights(base.model), [f"{layer}.{part}" for layer in layers for part in LINEAR])
    return with_bottlenecks(weights, [f"{layer}.{place}" for layer in layers for place in BOTTLENECKS], base.hidden)


class _Decoder:
    """Writes one graph; its methods take and return names of results."""

    def __init__(self, write: GraphWriter, weights: Weights, base: Base, max_tokens: int, block: int | None) -> None:
        config: Any = base.model.config
        self.config: Any = config
        self.block = block
        self.weights = weights
        if base.output is not None:
            self.weights[OUTPUT] = base.output.float().cpu().numpy()
        self.write = write
        self.heads = int(config.num_attention_heads)
        self.shared = int(config.num_key_value_heads or self.heads)
        self.size = int(getattr(config, "head_dim", None) or config.hidden_size // self.heads)
        self.rotations = self._rotations(base.model, max_tokens)
        self.cache: dict[str, tuple[str, list[str | int]]] = {}
        self.table = weights["embed_tokens.weight"]
        self.longest, self.past = "longest", "past.{}.{}"

    def graph(self) -> onnx.ModelProto:
        """Return the finished graph."""
        write, hidden = self.write, self.config.hidden_size
        states = self._layers("lengths")
        picked = self._normalised("norm", write.add("Gather", states, "picked", axis=0))  # (picked, hidden)
        outputs: dict[str, tuple[str, list[str | int]]] = {
            "logits": (self._foretold(picked), ["picked", len(self.table)]),
            "states": (picked, ["picked", hidden]),
            **{f"present.{name}": value for name, value in self.cache.items()},
        }
        past: list[str | int] = ["batch", self.shared, "past", self.size]
        inputs: dict[str, tuple[int, list[str | int]]] = {
            "input_ids": (TensorProto.INT64, ["batch", "tokens"]),
            "lengths": (TensorProto.INT32, ["batch"]),
            "longest": (TensorProto.INT32, []),
            "picked": (TensorProto.INT64, ["picked"]),
            **{f"past.{name}": (TensorProto.FLOAT, past) for name in self.cache},
        }
        return write.model_of(inputs, outputs)

    def reader(self, pooling: str) -> onnx.ModelProto:
        """Return the finished graph of a model that reads each text whole: nothing is cached, nothing foretold."""
        write, hidden = self.write, self.config.hidden_size
        lengths = write.add("ReduceSum", "attention_mask", write.constant([1]), keepdims=0)  # (batch,)
        short = write.add("Cast", lengths, to=TensorProto.INT32)
        self.longest = write.add("ReduceMax", short, keepdims=0)
        rows = write.add("Shape", "input_ids", start=0, end=1)
        nothing = write.add("Concat", rows, write.constant([self.shared, 0, self.size]), axis=0)
        self.past = write.add("ConstantOfShape", nothing)
        states = self._normalised("norm", self._layers(short))
        shape = write.add("Concat", write.add("Shape", "input_ids"), write.constant([hidden]), axis=0)
        states = write.add("Reshape", states, shape)  # (batch, tokens, hidden)
        outputs: dict[str, tuple[str, list[str | int]]] = {
            "states": (states, ["batch", "tokens", hidden]),
            "pooled": (write_pooling(write, states, lengths, pooling), ["batch", hidden]),
        }
        return write.model(outputs)

    def _layers(self, lengths: str) -> str:
        """Write embeddings and layers; return states of shape (batch × tokens, hidden), not yet normed."""
        write = self.write
        self.before = write.add("Sub", lengths, write.constant(np.array([1], np.int32)))  # (batch,)
        states = write.add("Reshape", self._embedded(), write.constant([-1, self.config.hidden_size]))
        for number in range(self.config.num_hidden_layers):
            states = self._layer(number, states)
        return states

    def _embedded(self) -> str:
        """Look the tokens up; shape (batch, tokens, hidden)."""
        write = self.write
        self.words = block_matrix(write, self.table, "words", self.block)
        if self.words is None:
            self.plain_table = write.constant(self.table, "words")
            found = write.add("Gather", self.plain_table, "input_ids")
        else:
            found = lookup(write, self.words, "input_ids")
        if self.config.model_type != "gemma3_text":
            return found
        return write.add("Mul", found, write.constant(float(self.config.hidden_size) ** 0.5))

    def _foretold(self, states: str) -> str:
        """Return the logits of states of shape (picked, hidden): by the output matrix, or the word embeddings."""
        if OUTPUT in self.weights:
            return self._multiplied("output", states)
        if self.words is None:
            return self.write.add("Gemm", states, self.plain_table, transB=1)
        return product(self.write, states, self.words)

    def _layer(self, number: int, states: str) -> str:
        """Write one layer over states of shape (batch × tokens, hidden)."""
        write, at = self.write, f"layers.{number}."
        gemma = self.config.model_type == "gemma3_text"
        attended = self._attention(number, self._normalised(f"{at}input_layernorm", states))
        attended = self._product(f"{at}self_attn.o_proj", attended)
        if gemma:
            attended = self._normalised(f"{at}post_attention_layernorm", attended)
        states = write.add("Add", states, attended)
        inner = self._normalised(f"{at}{'pre_feedforward' if gemma else 'post_attention'}_layernorm", states)
        fed = self._feed_forward(f"{at}mlp", inner)
        if gemma:
            fed = self._normalised(f"{at}post_feedforward_layernorm", fed)
        return write.add("Add", states, fed)

    def _attention(self, number: int, states: str) -> str:
        """Write one layer's attention; shape (batch × tokens, heads × size)."""
        write, at = self.write, f"layers.{number}.self_attn."
        query = self._rows(self._product(f"{at}q_proj", states), self.heads, f"{at}q_norm")
        key = self._rows(self._product(f"{at}k_proj", states), self.shared, f"{at}k_norm")
        value = self._rows(self._product(f"{at}v_proj", states), self.shared)
        kind = (getattr(self.config, "layer_types", None) or {number: "full_attention"})[number]
        window = getattr(self.config, "sliding_window", None) if kind == "sliding_attention" else None
        wanted = getattr(self.config, "query_pre_attn_scalar", None) or self.size
        rotation = self.rotations[kind if kind in self.rotations else "full_attention"]
        mixed, *grown = write.add_many(
            "GroupQueryAttention", 3, query, key, value, *(self.past.format(number, part) for part in PARTS),
            self.before, self.longest, *rotation, domain=CONTRIBUTED, num_heads=self.heads, kv_num_heads=self.shared,
            scale=float(wanted) ** -0.5, do_rotary=1, local_window_size=window or -1,
        )  # fmt: skip
        past: list[str | int] = ["batch", self.shared, "present", self.size]
        for name, result in zip(PARTS, grown, strict=True):
            self.cache[f"{number}.{name}"] = (result, past)
        return write.add("Reshape", mixed, write.constant([-1, self.heads * self.size]))

    def _rows(self, states: str, heads: int, norm: str = "") -> str:
        """Return states of shape (batch × tokens, heads × size) as (batch, tokens, heads × size), normed by heads."""
        write = self.write
        if f"{norm}.weight" in self.weights:
            states = self._normalised(norm, write.add("Reshape", states, write.constant([-1, heads, self.size])))
        shape = write.add("Concat", write.add("Shape", "input_ids"), write.constant([heads * self.size]), axis=0)
        return write.add("Reshape", states, shape)

    def _feed_forward(self, at: str, states: str) -> str:
        write, name = self.write, ACTIVATIONS[getattr(self.config, "hidden_activation", None) or self.config.hidden_act]
        gate = write.add(name, self._product(f"{at}.gate_proj", states), **_attributes(name))
        return self._product(f"{at}.down_proj", write.add("Mul", gate, self._product(f"{at}.up_proj", states)))

    def _normalised(self, name: str, states: str) -> str:
        scale = self.write.movable(self.weights[f"{name}.weight"], f"{name}.weight")
        if self.config.model_type in ZERO_CENTRED:
            scale = self.write.add("Add", scale, self.write.constant(1.0))
        return self.write.add("RMSNormalization", states, scale, axis=-1, epsilon=float(self.config.rms_norm_eps))

    def _product(self, name: str, states: str) -> str:
        """Multiply states of shape (rows, inner) by a layer's matrix; add its bias, and bottlenecks where there are."""
        result = self._multiplied(name, states)
        for place in (f"{name}.{adapter}" for adapter in ADAPTERS):
            if f"{place}.up.weight" in self.weights:
                added = write_bottleneck(self.write, self.weights, place, result)
                result = self.write.branch(place, result, added)
        return result

    def _multiplied(self, name: str, states: str) -> str:
        write, weights = self.write, self.weights[f"{name}.weight"]  # (outer, inner)
        matrix = block_matrix(write, weights, name, self.block)
        if matrix is None:
            result = write.add("MatMul", states, write.constant(weights.T, name))
        else:
            result = product(write, states, matrix)
        result = write_update(write, self.weights, name, states, result)
        bias = self.weights.get(f"{name}.bias")
        return result if bias is None else write.add("Add", result, write.constant(bias))

    def _rotations(self, body: Any, max_tokens: int) -> dict[str, tuple[str, str]]:
        """Return cosines and sines of every place, shape (context, size / 2), by kind of layer: the model's own."""
        import torch

        embedding: Any = body.rotary_emb
        device = next(body.parameters()).device
        places = torch.arange(max_tokens)[None]
        states = torch.zeros(1, 1, 1, device=device)
        kinds = set(getattr(self.config, "layer_types", None) or ["full_attention"])
        by_kind = "layer_type" in inspect.signature(embedding.forward).parameters
        found = {}
        for kind in sorted(kinds if by_kind else ["full_attention"]):
            options = {"layer_type": kind} if by_kind else {}
            both = embedding(states, places.to(device), **options)
            tables = [half[0, :, : self.size // 2].float().cpu().numpy() for half in both]
            found[kind] = (self.write.constant(tables[0], "cosines"), self.write.constant(tables[1], "sines"))
        return found


def _attributes(activation: str) -> dict[str, str]:
    return {"approximate": "tanh"} if activation == "Gelu" else {}
