"""What ONNX Runtime makes of blocks is what numpy makes of them, multiplied and looked up."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto

from feilun.compression.block_matrix import block_matrix, lookup, product, quantized_nibbles
from feilun.compression.graph_writer import GraphWriter


def made(shape: tuple[int, int]) -> NDArray[np.float32]:
    random = np.random.default_rng(1)
    return (random.normal(size=shape) + random.normal(size=(shape[0], 1))).astype(np.float32)


def run(weights: NDArray[np.float32], bits: int, states: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """Return all rows as looked up, and the product with states."""
    write = GraphWriter()
    matrix = block_matrix(write, weights, "weights", bits)
    assert matrix is not None
    outputs = {
        "rows": (lookup(write, matrix, "ids"), ["n", "inner"]),
        "product": (product(write, "states", matrix), ["m", "n"]),
    }
    inputs = {"ids": (TensorProto.INT64, ["n"]), "states": (TensorProto.FLOAT, ["m", "inner"])}
    model = write.model_of(inputs, outputs).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    found: tuple[NDArray[np.float32], ...] = tuple(
        session.run(["rows", "product"], {"ids": np.arange(len(weights)), "states": states})
    )
    return found


@pytest.mark.parametrize(("bits", "error"), [(8, 0.02), (4, 0.3)])
@pytest.mark.parametrize("inner", [32, 96, 128])
def test_rows_and_products_are_those_of_the_matrix(bits: int, error: float, inner: int) -> None:
    weights, states = made((7, inner)), made((5, inner))
    rows, multiplied = run(weights, bits, states)
    assert np.abs(rows - weights).max() < error
    np.testing.assert_allclose(multiplied, states @ rows.T, atol=0.02 * float(np.abs(multiplied).max()))


def test_a_row_that_cannot_be_divided_for_four_bits_has_eight() -> None:
    write = GraphWriter()
    matrix = block_matrix(write, made((3, 48)), "weights", 4)
    assert matrix is not None
    assert (matrix.bits, matrix.block) == (8, 16)
    assert block_matrix(write, made((3, 7)), "weights", 4) is None
    assert block_matrix(write, made((3, 32)), "weights", None) is None


def test_sixteen_levels_of_a_block_come_back_exactly_and_an_outlier_spoils_its_block_alone() -> None:
    exact = np.tile(np.arange(-5, 11, dtype=np.float32), (2, 4)) * 0.5  # (2, 64)
    packed, scales, zeros = quantized_nibbles(exact, 32)
    assert packed.shape == (2, 2, 16)
    assert zeros.shape == (2, 1)
    assert np.allclose(unpacked(packed, scales, zeros), exact)
    exact[0, 0] = 1000
    restored = unpacked(*quantized_nibbles(exact, 32))
    assert not np.allclose(restored[0, :32], exact[0, :32])
    assert np.allclose(restored[0, 32:], exact[0, 32:])


def unpacked(packed: NDArray[np.uint8], scales: NDArray[np.float32], zeros: NDArray[np.uint8]) -> NDArray[np.float32]:
    levels, zero = (np.stack([part & 15, part >> 4], -1).reshape(*part.shape[:-1], -1) for part in (packed, zeros))
    blocks = (levels.astype(np.float32) - zero[:, : scales.shape[1], None]) * scales[:, :, None]
    return blocks.reshape(len(blocks), -1)
