"""Int8 weights and activations, by rewriting an ONNX graph.

Every product with a constant matrix becomes a product of 8-bit integers. Weights have one scale a column. Activations
are quantised as they come, with one scale a token: so a text's result does not depend on the texts beside it in its
batch, which a scale per batch (`quantize_dynamic`, `DynamicQuantizeMatMul`) does not give, and rows with outliers
spoil only themselves (Dettmers et al. 2022, "LLM.int8()", vector-wise quantisation). What comes out of a GELU is nearly
all positive: it is moved to the middle of its range first, and what that takes from the product is added again. Word
embeddings are stored with one scale per block of 128 numbers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from feilun.compression.gptq import Readings, rounded_columns
from feilun.compression.graphs.writer import CONTRIBUTED, GraphWriter
from feilun.core.files import atomic_file

SMALLEST_SCALE = 1e-12
"""A token of nothing but zeros must not divide by zero."""

ONE_SIDED = ("Gelu", "FastGelu", "BiasGelu")
"""Operators whose results reach far to one side of zero alone."""

LARGEST_BLOCK, SMALLEST_BLOCK = 128, 16
"""Numbers of an embedding that share a scale; powers of two that the operator knows."""


def quantize_int8(source: Path, target: Path, readings: Readings | None = None) -> int:
    """Write an int8 version of an ONNX model.

    Args:
        source: A model in float32.
        target: Where the int8 model is written.
        readings: What its matrices are multiplied with; weights are then rounded for it, else each to its nearest.

    Returns:
        How many products and tables were quantised.

    Raises:
        StorageError: If the disk is full.
    """
    model = onnx.load(source)
    rewriter = Rewriter(model, readings)
    rewriter.rewrite()
    with atomic_file(target) as temporary:
        onnx.save(model, temporary)
    return rewriter.rewritten


class Rewriter:
    """Replaces products and tables of one model, node by node.

    Args:
        model: Changed in place.
        readings: What its matrices are multiplied with, where that is known.
    """

    def __init__(self, model: onnx.ModelProto, readings: Readings | None = None) -> None:
        self.model = model
        self.readings = readings or Readings({})
        self.one_sided = {name for node in model.graph.node if node.op_type in ONE_SIDED for name in node.output}
        self.write = GraphWriter("int8/")
        replaceable = {value.name for value in model.graph.input}
        self.weights = {tensor.name: tensor for tensor in model.graph.initializer if tensor.name not in replaceable}
        self.ranks = ranks(model)
        self.quantised: dict[str, tuple[str, str, str | None]] = {}
        self.rewritten = 0

    def rewrite(self) -> None:
        """Replace what can be replaced; weights that nothing reads any more are dropped."""
        for node in self.model.graph.node:
            if node.op_type == "MatMul" and self._matrix(node.input[1]):
                self._product(node)
            elif node.op_type == "Gather" and self._matrix(node.input[0]) and _axis(node) == 0:
                self._lookup(node)
            else:
                self.write.nodes.append(node)
        self._replace_graph(self.write.nodes)

    def _replace_graph(self, nodes: list[onnx.NodeProto]) -> None:
        graph = self.model.graph
        used = {name for node in nodes for name in node.input}
        kept = [tensor for tensor in graph.initializer if tensor.name in used]
        del graph.node[:], graph.initializer[:]
        graph.node.extend(nodes)
        graph.initializer.extend([*kept, *self.write.constants.values()])
        if not any(opset.domain == CONTRIBUTED for opset in self.model.opset_import):
            self.model.opset_import.append(onnx.helper.make_opsetid(CONTRIBUTED, 1))

    def _matrix(self, name: str) -> bool:
        tensor = self.weights.get(name)
        return tensor is not None and len(tensor.dims) == 2 and tensor.data_type == onnx.TensorProto.FLOAT

    def _product(self, node: onnx.NodeProto) -> None:
        """Replace states @ weights: (…, inner) @ (inner, outer)."""
        write = self.write
        states, name = node.input
        weights = numpy_helper.to_array(self.weights[name])
        tokens, scale, middle = self._tokens(states, weights.shape[0])
        columns, column_scale = quantized_columns(weights)
        if states in self.readings.moments:
            columns = rounded_columns(weights, column_scale, self.readings.factor(states))
        result = write.add(
            "MatMulIntegerToFloat", tokens, write.constant(columns, name), write.constant(1.0),
            write.constant(column_scale), self._zero(), domain=CONTRIBUTED,
        )  # fmt: skip
        result = write.add("Mul", result, scale)  # (rows, outer)
        if middle is not None:
            sums = (columns.sum(0, dtype=np.int64) * column_scale).astype(np.float32)
            result = write.add("Add", result, write.add("Mul", middle, write.constant(sums[None])))
        if self.ranks.get(states) != 2:
            outer = write.add("Shape", states, end=-1)
            shape = write.add("Concat", outer, write.constant([weights.shape[1]]), axis=0)
            result = write.add("Reshape", result, shape)
        write.nodes[-1].output[0] = node.output[0]
        self.rewritten += 1

    def _tokens(self, states: str, inner: int) -> tuple[str, str, str | None]:
        """Quantise states once for all products that read them.

        Returns:
            Integers of shape (rows, inner), scales of shape (rows, 1), and the middles that were taken off, shape
            (rows, 1), or None where none were.
        """
        if states not in self.quantised:
            write = self.write
            flat, middle = states, None
            if self.ranks.get(states) != 2:
                flat = write.add("Reshape", states, write.constant([-1, inner]))  # (rows, inner)
            if states in self.one_sided:
                flat, middle, largest = self._centred(flat)
            else:
                largest = write.add("ReduceMax", write.add("Abs", flat), write.constant([1]), keepdims=0)
            scale = write.add("Mul", largest, write.constant(1 / 127))  # (rows,)
            zero = numpy_helper.from_array(np.array([128], np.uint8))
            zeros = write.add("ConstantOfShape", write.add("Shape", scale), value=zero)
            numbers = write.add("QuantizeLinear", flat, scale, zeros, axis=0)
            self.quantised[states] = (numbers, write.add("Unsqueeze", scale, write.constant([1])), middle)
        return self.quantised[states]

    def _centred(self, flat: str) -> tuple[str, str, str]:
        """Move each row to the middle of its range; return it, the middles (rows, 1) and half the ranges (rows,)."""
        write = self.write
        most = write.add("ReduceMax", flat, write.constant([1]), keepdims=1)
        least = write.add("ReduceMin", flat, write.constant([1]), keepdims=1)
        middle = write.add("Mul", write.add("Add", most, least), write.constant(0.5))
        half = write.add("Squeeze", write.add("Sub", most, middle), write.constant([1]))
        return write.add("Sub", flat, middle), middle, half

    def _zero(self) -> str:
        return self.write.constant(np.array(128, np.uint8), "zero")

    def _lookup(self, node: onnx.NodeProto) -> None:
        """Replace a look-up in a table of embeddings."""
        name, ids = node.input
        table = numpy_helper.to_array(self.weights[name])
        block = block_size(table.shape[1])
        if block == 0:
            self.write.nodes.append(node)
            return
        write = self.write
        numbers, scales = quantized_blocks(table, block)
        write.add(
            "GatherBlockQuantized", write.constant(numbers, name), ids, write.constant(scales),
            domain=CONTRIBUTED, bits=8, block_size=block, gather_axis=0, quantize_axis=1,
        )  # fmt: skip
        write.nodes[-1].output[0] = node.output[0]
        self.rewritten += 1


def quantized_columns(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Quantise each column of a matrix symmetrically.

    Processors without the VNNI instructions add the products of two neighbouring rows in 16 bits, where 255 × (127 +
    127) does not fit: the scale is chosen so that the sum of two neighbours fits as well. Every processor then gives
    the same result, at less cost than weights of 7 bits (`reduce_range`).

    Args:
        weights: Shape (inner, outer).

    Returns:
        Integers of shape (inner, outer) and scales of shape (outer,).
    """
    even = np.concatenate([weights, np.zeros((len(weights) % 2, weights.shape[1]), weights.dtype)])
    pairs = even[0::2] + even[1::2]
    largest = np.maximum(np.abs(weights).max(0), np.abs(pairs).max(0))
    scales = np.maximum(largest / 127, SMALLEST_SCALE).astype(np.float32)
    return np.round(weights / scales).astype(np.int8), scales


def quantized_blocks(table: NDArray[np.float32], block: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Quantise blocks of each row symmetrically about 128.

    Args:
        table: Shape (rows, width).
        block: Numbers of a row that share a scale; divides the width.

    Returns:
        Integers of shape (rows, width) and scales of shape (rows, width / block).
    """
    blocks = table.reshape(len(table), -1, block)
    scales = np.maximum(np.abs(blocks).max(2) / 127, SMALLEST_SCALE).astype(np.float32)
    numbers = np.round(blocks / scales[:, :, None]) + 128
    return numbers.astype(np.uint8).reshape(table.shape), scales


def block_size(width: int, largest: int = LARGEST_BLOCK) -> int:
    """Return the largest block, of at most so many numbers, that divides a width, or 0 where none does."""
    block = largest
    while block >= SMALLEST_BLOCK:
        if width % block == 0:
            return block
        block //= 2
    return 0


def ranks(model: onnx.ModelProto) -> dict[str, int]:
    """Return the number of axes of every result whose shape can be inferred."""
    inferred = onnx.shape_inference.infer_shapes(model).graph
    return {
        value.name: len(value.type.tensor_type.shape.dim)
        for value in [*inferred.value_info, *inferred.input]
        if value.type.tensor_type.HasField("shape")
    }


def _axis(node: onnx.NodeProto) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
