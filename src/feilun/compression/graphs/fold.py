"""An open graph becomes a model's own: what its adapter holds is merged or fixed, and the other places go."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from feilun.bundles.adapter_runtime import AdapterFiles, read_adapter
from feilun.bundles.session import OUTPUTS
from feilun.compression.graphs.writer import BRANCH


def folded_graph(graph: Path, files: AdapterFiles) -> onnx.ModelProto:
    """Write the graph of a whole model.

    Args:
        graph: The base's open graph in float32.
        files: The adapter and the head.

    Returns:
        A model that reads and gives what one does that was exported whole.
    """
    model = onnx.load(graph)
    tensors = {} if files.adapter is None else read_adapter(files.adapter)
    _close(model.graph, tensors)
    if files.head is not None:
        _put_head(model.graph, onnx.load(files.head).graph)
    _drop_what_nothing_reads(model.graph)
    return model


def _close(graph: onnx.GraphProto, tensors: Mapping[str, NDArray[np.float32]]) -> None:
    """Fix what the adapter holds, add updates to their weights, and pass by what it does not hold."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    producers = {output: node for node in graph.node for output in node.output}
    passed: dict[str, str] = {}
    for node in graph.node:
        place = node.name.removesuffix(BRANCH)
        if place == node.name:
            continue
        held = {name for name in tensors if name.startswith(f"{place}.")}
        if place.endswith(".low_rank") and held:
            weight = constants[producers[node.input[0]].input[1]]
            _replace(weight, numpy_helper.to_array(weight) + tensors[f"{place}.a"] @ tensors[f"{place}.b"])
        if place.endswith(".low_rank") or not held:
            passed[node.output[0]] = node.input[0]
    for name, array in tensors.items():
        _replace(constants[name], array)
    for node in graph.node:
        for at, name in enumerate(node.input):
            node.input[at] = _end(passed, name)
    inputs = [value for value in graph.input if value.name not in constants]
    del graph.input[:]
    graph.input.extend(inputs)


def _put_head(graph: onnx.GraphProto, head: onnx.GraphProto) -> None:
    """Put a head behind the base, of which it reads an output by its name."""
    graph.node.extend(head.node)
    graph.initializer.extend(head.initializer)
    given = {value.name for value in graph.output}
    graph.input.extend(value for value in head.input if value.name not in given)
    outputs = {value.name: value for value in (*graph.output, *head.output)}
    del graph.output[:]
    graph.output.extend(outputs[name] for name in OUTPUTS)


def _drop_what_nothing_reads(graph: onnx.GraphProto) -> None:
    read = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if read & set(node.output):
            read |= set(node.input)
            kept.append(node)
    constants = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(reversed(kept))
    graph.initializer.extend(constants)


def _replace(tensor: onnx.TensorProto, array: NDArray[np.float32]) -> None:
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array, dtype=np.float32), tensor.name))


def _end(passed: Mapping[str, str], name: str) -> str:
    """Return the result that stands for another once branches are passed by."""
    while name in passed:
        name = passed[name]
    return name
