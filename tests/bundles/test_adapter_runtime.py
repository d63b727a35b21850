"""Adapters over a shared session: what is put in counts for one model alone, and what fits nowhere is refused."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from feilun.bundles.adapter_runtime import Adapter, AdapterFiles, read_adapter, shared_session, write_adapter
from feilun.core.errors import BundleError

WIDTH = 6
WEIGHT = np.random.default_rng(0).normal(size=(WIDTH, WIDTH)).astype(np.float32)


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """A product with a place for an update of any rank."""
    nodes = [
        helper.make_node("MatMul", ["states", "weight"], ["plain"]),
        helper.make_node("MatMul", ["states", "low_rank.a"], ["inner"]),
        helper.make_node("MatMul", ["inner", "low_rank.b"], ["update"]),
        helper.make_node("Sum", ["plain", "update"], ["pooled"]),
    ]
    empty = {"low_rank.a": np.zeros((WIDTH, 0), np.float32), "low_rank.b": np.zeros((0, WIDTH), np.float32)}
    shapes = {"states": ["rows", WIDTH], "low_rank.a": [WIDTH, "rank"], "low_rank.b": ["rank", WIDTH]}
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    output = helper.make_tensor_value_info("pooled", TensorProto.FLOAT, ["rows", WIDTH])
    constants = [numpy_helper.from_array(array, name) for name, array in {"weight": WEIGHT, **empty}.items()]
    made = helper.make_graph(nodes, "made", inputs, [output], constants)
    path = tmp_path / "base.onnx"
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    return path


def update(rank: int, seed: int) -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(seed)
    return {
        "low_rank.a": random.normal(size=(WIDTH, rank)).astype(np.float32),
        "low_rank.b": random.normal(size=(rank, WIDTH)).astype(np.float32),
    }


def test_each_of_many_adapters_answers_as_its_own_sum_also_from_many_threads(graph: Path, tmp_path: Path) -> None:
    states = np.random.default_rng(9).normal(size=(5, WIDTH)).astype(np.float32)
    updates = [update(rank, rank) for rank in range(1, 5)]
    sessions = [Adapter(AdapterFiles(None, None)).over(graph, 1)]
    for number, tensors in enumerate(updates):
        path = tmp_path / f"{number}.onnx_adapter"
        write_adapter(path, tensors)
        sessions.append(Adapter(AdapterFiles(path, None)).over(graph, 1))
    wanted = [states @ WEIGHT, *(states @ (WEIGHT + one["low_rank.a"] @ one["low_rank.b"]) for one in updates)]
    gc.collect()  # run options do not keep their adapter alive

    def answer(turn: int) -> float:
        (found,) = sessions[turn % 5].run(["pooled"], {"states": states})
        return float(np.abs(found - wanted[turn % 5]).max())

    with ThreadPoolExecutor(4) as pool:
        assert max(pool.map(answer, range(500))) < 1e-5


def test_a_file_that_is_replaced_changes_nothing_that_is_loaded(graph: Path, tmp_path: Path) -> None:
    states = np.ones((2, WIDTH), np.float32)
    path, newer = tmp_path / "one.onnx_adapter", tmp_path / "newer"
    write_adapter(path, update(2, 1))
    write_adapter(newer, update(3, 2))
    adapter = Adapter(AdapterFiles(path, None))
    (before,) = adapter.over(graph, 1).run(["pooled"], {"states": states})
    newer.replace(path)
    (after,) = adapter.over(graph, 2).run(["pooled"], {"states": states})
    assert np.abs(before - after).max() < 1e-5


def test_a_session_is_shared_while_it_is_used_and_freed_then(graph: Path) -> None:
    one, other = (shared_session(graph, 1) for _ in range(2))
    assert one is other
    assert shared_session(graph, 2) is not one
    left = weakref.ref(one)
    del one, other
    gc.collect()
    assert left() is None
    graph.touch()
    assert shared_session(graph, 1)


def test_what_was_written_is_read_and_equal_adapters_are_equal_files(tmp_path: Path) -> None:
    tensors = update(3, 1)
    for name in ("a", "b"):
        write_adapter(tmp_path / name, tensors)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    found = read_adapter(tmp_path / "a")
    gc.collect()
    assert all(np.array_equal(found[name], array) for name, array in tensors.items())


@pytest.mark.parametrize("kept", [0, 10, 100, -4])
def test_a_cut_adapter_is_refused_by_name(graph: Path, tmp_path: Path, kept: int) -> None:
    path = tmp_path / "cut.onnx_adapter"
    write_adapter(path, update(2, 1))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(BundleError, match=r"cut\.onnx_adapter is no adapter"):
        Adapter(AdapterFiles(path, None)).over(graph, 1)


def test_an_adapter_for_another_graph_is_refused_by_the_place_that_is_not_there(graph: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.onnx_adapter"
    write_adapter(path, {"elsewhere.a": np.ones((WIDTH, 1), np.float32)})
    with pytest.raises(BundleError, match=r"no place for elsewhere\.a"):
        Adapter(AdapterFiles(path, None)).over(graph, 1)
    write_adapter(path, {"low_rank.a": np.ones((WIDTH + 1, 1), np.float32)})
    with pytest.raises(BundleError, match=r"low_rank\.a .*\(7, 1\)"):
        Adapter(AdapterFiles(path, None)).over(graph, 1)
