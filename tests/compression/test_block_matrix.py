"""What ONNX Runtime makes of blocks is what numpy makes of them, multiplied and looked up."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto

from feilun.compression.graphs.block_matrix import block_matrix, lookup, product
from feilun.compression.graphs.writer import GraphWriter


def made(shape: tuple[int, int]) -> NDArray[np.float32]:
    random = np.random.default_rng(1)
    return (random.normal(size=shape) + random.normal(size=(shape[0], 1))).astype(np.float32)


def run(
    weights: NDArray[np.float32], largest: int, states: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return all rows as looked up, and the product with states."""
    write = GraphWriter()
    matrix = block_matrix(write, weights, "weights", largest)
    assert matrix is not None
    outputs = {
        "rows": (lookup(write, matrix, "ids"), ["n", "inner"]),
        "product": (product(write, "states", matrix), ["m", "n"]),
    }
    inputs = {"ids": (TensorProto.INT64, ["n"]), "states": (TensorProto.FLOAT, ["m", "inner"])}
    model = write.model_of(inputs, outputs).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    rows, multiplied = session.run(["rows", "product"], {"ids": np.arange(len(weights)), "states": states})
    return rows, multiplied


@pytest.mark.parametrize("largest", [128, 32])
@pytest.mark.parametrize("inner", [32, 96, 128])
def test_rows_and_products_are_those_of_the_matrix(largest: int, inner: int) -> None:
    weights, states = made((7, inner)), made((5, inner))
    rows, multiplied = run(weights, largest, states)
    assert 0 < np.abs(rows - weights).max() < 0.02
    np.testing.assert_allclose(multiplied, states @ rows.T, atol=0.02 * float(np.abs(multiplied).max()))


def test_a_small_block_keeps_an_outlier_to_itself() -> None:
    weights = made((4, 128))
    weights[:, 0] = 1000
    far, near = (np.abs(run(weights, largest, made((1, 128)))[0] - weights)[:, 32:].max() for largest in (128, 32))
    assert near < 0.02 < far


def test_rows_that_no_block_divides_stay_as_they_are() -> None:
    write = GraphWriter()
    assert block_matrix(write, made((3, 7)), "weights", 128) is None
    assert block_matrix(write, made((3, 32)), "weights", None) is None
