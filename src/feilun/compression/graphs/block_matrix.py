"""Matrices in 8 bits, in blocks of a row that share a scale: what ONNX Runtime multiplies and looks up so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.compression.graphs.writer import CONTRIBUTED, GraphWriter
from feilun.compression.quantize import block_size, quantized_blocks

BITS = 8

INT8_ACTIVATIONS = 4
"""`accuracy_level` of a product whose activations are 8 bits, too, with a scale for each block."""


@dataclass(frozen=True)
class BlockMatrix:
    """A matrix in a graph.

    Args:
        numbers: Name of the constant of shape (outer, blocks, block).
        scales: Name of that of shape (outer, blocks).
        shape: (outer, inner).
        block: Numbers of a row that share a scale.
    """

    numbers: str
    scales: str
    shape: tuple[int, int]
    block: int


def block_matrix(
    write: GraphWriter, weights: NDArray[np.float32], name: str, largest: int | None
) -> BlockMatrix | None:
    """Store a matrix in blocks.

    Args:
        write: The graph.
        weights: Shape (outer, inner).
        name: Of its numbers.
        largest: Most numbers of a block; None: the matrix stays in float32.

    Returns:
        The matrix; None where it stays as it is, also because no block divides its rows.
    """
    outer, inner = weights.shape
    block = block_size(inner, largest) if largest else 0
    if not block:
        return None
    numbers, scales = quantized_blocks(weights, block)
    constant = write.constant(numbers.reshape(outer, -1, block), name)
    return BlockMatrix(constant, write.constant(scales), (outer, inner), block)


def product(write: GraphWriter, states: str, matrix: BlockMatrix) -> str:
    """Multiply states of shape (rows, inner) by a matrix; shape (rows, outer)."""
    outer, inner = matrix.shape
    return write.add(
        "MatMulNBits", states, matrix.numbers, matrix.scales, domain=CONTRIBUTED, K=inner, N=outer, bits=BITS,
        block_size=matrix.block, accuracy_level=INT8_ACTIVATIONS,
    )  # fmt: skip


def lookup(write: GraphWriter, matrix: BlockMatrix, ids: str) -> str:
    """Return the rows of a matrix that ids name; the shape of ids, and inner."""
    rows = write.add("Reshape", matrix.numbers, write.constant(matrix.shape))
    return write.add(
        "GatherBlockQuantized", rows, ids, matrix.scales, domain=CONTRIBUTED, bits=BITS, block_size=matrix.block,
        gather_axis=0, quantize_axis=1,
    )  # fmt: skip
