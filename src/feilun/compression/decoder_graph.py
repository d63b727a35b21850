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
from numpy.typing import NDArray
from onnx import TensorProto

from feilun.compression.block_matrix import block_matrix, lookup, product
from feilun.compression.graph_writer import CONTRIBUTED, GraphWriter

if TYPE_CHECKING:
    from feilun.models.text_model import TextModel

Weights = dict[str, NDArray[np.float32]]

OUTPUT = "output.weight"
"""Name of an output matrix that is not the table of word embeddings."""

ZERO_CENTRED = frozenset({"gemma3_text"})
"""Families whose norms multiply by one more than their weights say."""

BOTTLENECKS = {"GELU": "Gelu", "ReLU": "Relu"}
"""Operators by the activation of an adapter's bottleneck."""

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
    return _Decoder(model, block).graph()


class _Decoder:
    """Writes one graph; its methods take and return names of results."""

    def __init__(self, model: TextModel, block: int | None) -> None:
        config: Any = model.body.config
        self.config: Any = config
        self.body: Any = model.body
        self.block = block
        self.weights: Weights = {name: tensor.float().cpu().numpy() for name, tensor in model.body.state_dict().items()}
        if model.base.output is not None:
            self.weights[OUTPUT] = model.base.output.float().cpu().numpy()
        self.write = GraphWriter()
        self.heads = int(config.num_attention_heads)
        self.shared = int(config.num_key_value_heads or self.heads)
        self.size = int(getattr(config, "head_dim", None) or config.hidden_size // self.heads)
        self.rotations = self._rotations(model)
        self.cache: dict[str, tuple[str, list[str | int]]] = {}

    def graph(self) -> onnx.ModelProto:
        """Return the finished graph."""
        write, hidden = self.write, self.config.hidden_size
        self.table = self.weights["embed_tokens.weight"]
        self.before = write.add("Sub", "lengths", write.constant(np.array([1], np.int32)))  # (batch,)
        states = write.add("Reshape", self._embedded(), write.constant([-1, hidden]))  # (batch × tokens, hidden)
        for number in range(self.config.num_hidden_layers):
            states = self._layer(number, states)
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
        mixed, *grown = write.add_many(
            "GroupQueryAttention", 3, query, key, value, f"past.{number}.key", f"past.{number}.value", self.before,
            "longest", *self.rotations[kind if kind in self.rotations else "full_attention"], domain=CONTRIBUTED,
            num_heads=self.heads, kv_num_heads=self.shared, scale=float(wanted) ** -0.5, do_rotary=1,
            local_window_size=window or -1,
        )  # fmt: skip
        past: list[str | int] = ["batch", self.shared, "present", self.size]
        for name, result in zip(("key", "value"), grown, strict=True):
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
        weight = self.weights[f"{name}.weight"] + (self.config.model_type in ZERO_CENTRED)
        scale = self.write.constant(weight.astype(np.float32))
        return self.write.add("RMSNormalization", states, scale, axis=-1, epsilon=float(self.config.rms_norm_eps))

    def _product(self, name: str, states: str) -> str:
        """Multiply states of shape (rows, inner) by a layer's matrix, and add its bias and bottleneck where it has."""
        write, adapted = self.write, f"{name}.inner.weight" in self.weights
        own = f"{name}.inner" if adapted else name
        result = self._multiplied(own, states)
        if not adapted:
            return result
        activation = type(self.body.get_submodule(f"{name}.bottleneck").activation).__name__
        down = write.add(BOTTLENECKS[activation], self._multiplied(f"{name}.bottleneck.down", result))
        return write.add("Add", result, self._multiplied(f"{name}.bottleneck.up", down))

    def _multiplied(self, name: str, states: str) -> str:
        write, weights = self.write, self.weights[f"{name}.weight"]  # (outer, inner)
        matrix = block_matrix(write, weights, name, self.block)
        if matrix is None:
            result = write.add("MatMul", states, write.constant(weights.T, name))
        else:
            result = product(write, states, matrix)
        bias = self.weights.get(f"{name}.bias")
        return result if bias is None else write.add("Add", result, write.constant(bias))

    def _rotations(self, model: TextModel) -> dict[str, tuple[str, str]]:
        """Return cosines and sines of every place, shape (context, size / 2), by kind of layer: the model's own."""
        import torch

        embedding: Any = model.body.rotary_emb
        places = torch.arange(model.encoder.max_tokens)[None]
        states = torch.zeros(1, 1, 1, device=model.device)
        kinds = set(getattr(self.config, "layer_types", None) or ["full_attention"])
        by_kind = "layer_type" in inspect.signature(embedding.forward).parameters
        found = {}
        for kind in sorted(kinds if by_kind else ["full_attention"]):
            options = {"layer_type": kind} if by_kind else {}
            both = embedding(states, places.to(model.device), **options)
            tables = [half[0, :, : self.size // 2].float().cpu().numpy() for half in both]
            found[kind] = (self.write.constant(tables[0], "cosines"), self.write.constant(tables[1], "sines"))
        return found


def _attributes(activation: str) -> dict[str, str]:
    return {"approximate": "tanh"} if activation == "Gelu" else {}
