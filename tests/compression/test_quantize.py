from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from feilun.compression.export import export_onnx
from feilun.compression.quantize import block_size, quantize_int8, quantized_blocks, quantized_columns
from tiny_architectures import tiny_text_model

FLOATS = st.floats(-100, 100, width=32)
MATRICES = arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 5)), elements=FLOATS)


@given(MATRICES)
@settings(max_examples=200)
def test_columns_are_near_the_weights_and_never_overflow_16_bits(weights: np.ndarray) -> None:
    numbers, scales = quantized_columns(weights)
    assert np.abs(numbers * scales - weights).max() <= scales.max() * 0.5001
    even = np.concatenate([numbers, np.zeros((len(numbers) % 2, numbers.shape[1]), np.int8)]).astype(np.int64)
    first, second = even[0::2], even[1::2]
    for one in (0, 255):  # the sums of products that older processors keep in 16 bits
        for other in (0, 255):
            assert np.abs(first * one + second * other).max() < 2**15


@given(arrays(np.float32, (3, 32), elements=FLOATS))
def test_blocks_are_near_the_table(table: np.ndarray) -> None:
    numbers, scales = quantized_blocks(table, 16)
    assert scales.shape == (3, 2)
    restored = (numbers.astype(np.float32) - 128) * scales.repeat(16, axis=1)
    assert np.abs(restored - table).max() <= scales.max() * 0.5001


@pytest.mark.parametrize(("width", "block"), [(384, 128), (576, 64), (32, 32), (48, 16), (24, 0), (7, 0)])
def test_block_size_divides_the_width(width: int, block: int) -> None:
    assert block_size(width) == block


def test_no_large_float_matrix_is_left_and_the_file_shrinks(tmp_path: Path) -> None:
    export_onnx(tiny_text_model("bert"), tmp_path / "plain.onnx")
    quantize_int8(tmp_path / "plain.onnx", tmp_path / "int8.onnx")
    onnx.shape_inference.infer_shapes_path(tmp_path / "plain.onnx", tmp_path / "checked.onnx", strict_mode=True)
    left = [
        tensor.name
        for tensor in onnx.load(tmp_path / "int8.onnx").graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT
        and np.prod(tensor.dims) >= 32 * 32
        and not tensor.name.startswith("positions")
    ]
    assert left == []
    assert (tmp_path / "int8.onnx").stat().st_size < 0.6 * (tmp_path / "plain.onnx").stat().st_size


def test_a_width_without_a_block_keeps_its_table(tmp_path: Path) -> None:
    table = np.arange(20, dtype=np.float32).reshape(2, 10)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Gather", ["table", "ids"], ["rows"])],
        "g",
        [onnx.helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, ["n"])],
        [onnx.helper.make_tensor_value_info("rows", onnx.TensorProto.FLOAT, ["n", 10])],
        [onnx.numpy_helper.from_array(table, "table")],
    )
    onnx.save(onnx.helper.make_model(graph, ir_version=10), tmp_path / "plain.onnx")
    assert quantize_int8(tmp_path / "plain.onnx", tmp_path / "int8.onnx") == 0
    assert [node.op_type for node in onnx.load(tmp_path / "int8.onnx").graph.node] == ["Gather"]
