"""Matrices in 4 or 8 bits, in blocks of a row that share a scale: what ONNX Runtime multiplies and looks up so.

In 8 bits a block lies symmetrically about 128. In 4 bits there are too few levels for that: each block has its own
zero, and of several scales the one is taken that brings its numbers back with the least squared error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.compression.graph_writer import CONTRIBUTED, GraphWriter
from feilun.compression.quantize import SMALLEST_SCALE, block_size, quantized_blocks

INT8_ACTIVATIONS = 4
"""`accuracy_level` of a product whose activations are 8 bits, too."""

NIBBLE_BLOCK = 32
"""Numbers of a row that share a scale in 4 bits; a width that this does not divide is stored in 8."""

RANGES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75)
"""Shares of a block's range that its 16 levels are tried to cover; what lies outside is cut."""


@dataclass(frozen=True)
class BlockMatrix:
    """A matrix of shape (outer, inner) in a graph, by the names of its constants.

    Args:
        numbers: Shape (outer, blocks, bytes of a block).
        scales: Shape (outer, blocks).
        zeros: Shape (outer, bytes of a row); empty where the blocks are symmetric.
        shape: (outer, inner).
        bits: Of a number: 4 or 8.
        block: Numbers of a block.
    """

    numbers: str
    scales: str
    zeros: str
    shape: tuple[int, int]
    bits: int
    block: int


def block_matrix(write: GraphWriter, weights: NDArray[np.float32], name: str, bits: int | None) -> BlockMatrix | None:
    """Store a matrix in blocks.

    Args:
        write: The graph.
        weights: Shape (outer, inner).
        name: Of its constants.
        bits: 4, 8, or None for float32.

    Returns:
        The matrix, in 8 bits where its rows cannot be divided for 4; None where it stays as it is.
    """
    outer, inner = weights.shape
    if bits == 4 and inner % NIBBLE_BLOCK == 0:
        numbers, scales, zeros = quantized_nibbles(weights, NIBBLE_BLOCK)
        names = (write.constant(numbers, name), write.constant(scales), write.constant(zeros))
        return BlockMatrix(*names, (outer, inner), 4, NIBBLE_BLOCK)
    block = block_size(inner) if bits else 0
    if not block:
        return None
    whole, scales = quantized_blocks(weights, block)
    numbers = whole.reshape(outer, -1, block)
    return BlockMatrix(write.constant(numbers, name), write.constant(scales), "", (outer, inner), 8, block)


def product(write: GraphWriter, states: str, matrix: BlockMatrix) -> str:
    """Multiply states of shape (rows, inner) by a matrix; shape (rows, outer)."""
    outer, inner = matrix.shape
    zeros = [matrix.zeros] if matrix.zeros else []
    return write.add(
        "MatMulNBits", states, matrix.numbers, matrix.scales, *zeros, domain=CONTRIBUTED, K=inner, N=outer,
        bits=matrix.bits, block_size=matrix.block, accuracy_level=INT8_ACTIVATIONS,
    )  # fmt: skip


def lookup(write: GraphWriter, matrix: BlockMatrix, ids: str) -> str:
    """Return the rows of a matrix that ids name; the shape of ids, and inner."""
    outer, inner = matrix.shape
    rows = write.add("Reshape", matrix.numbers, write.constant([outer, inner * matrix.bits // 8]))
    zeros = [matrix.zeros] if matrix.zeros else []
    return write.add(
        "GatherBlockQuantized", rows, ids, matrix.scales, *zeros, domain=CONTRIBUTED, bits=matrix.bits,
        block_size=matrix.block, gather_axis=0, quantize_axis=1,
    )  # fmt: skip


def quantized_nibbles(
    weights: NDArray[np.float32], block: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint8]]:
    """Quantise blocks of each row to 16 levels about a zero of their own.

    Args:
        weights: Shape (outer, inner).
        block: Numbers of a row that share scale and zero; even, divides inner.

    Returns:
        Two numbers a byte, the first in the lower half: levels of shape (outer, blocks, block / 2), and zeros of shape
        (outer, blocks / 2, rounded up); and scales of shape (outer, blocks).
    """
    blocks = weights.reshape(len(weights), -1, block)  # (outer, blocks, block)
    lowest, highest = np.minimum(blocks.min(2), 0), np.maximum(blocks.max(2), 0)
    best = np.full(lowest.shape, np.inf)
    levels = np.zeros(blocks.shape, np.uint8)
    scales, zeros = np.zeros(lowest.shape, np.float32), np.zeros(lowest.shape, np.uint8)
    for share in RANGES:
        scale = np.maximum(share * (highest - lowest) / 15, SMALLEST_SCALE).astype(np.float32)
        zero = np.clip(np.round(-share * lowest / scale), 0, 15)
        level = np.clip(np.round(blocks / scale[:, :, None]) + zero[:, :, None], 0, 15)
        error = np.square((level - zero[:, :, None]) * scale[:, :, None] - blocks).sum(2)
        better = error < best
        best[better], levels[better], scales[better], zeros[better] = (
            error[better], level[better].astype(np.uint8), scale[better], zero[better].astype(np.uint8),
        )  # fmt: skip
    return _packed(levels), scales, _packed(zeros)


def _packed(nibbles: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Put two numbers below 16 of the last axis into a byte, the first into its lower half."""
    even = np.pad(nibbles, [(0, 0)] * (nibbles.ndim - 1) + [(0, nibbles.shape[-1] % 2)])
    packed: NDArray[np.uint8] = even[..., 0::2] | (even[..., 1::2] * np.uint8(16))
    return packed
