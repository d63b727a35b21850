"""A small writer of ONNX graphs: names constants and results, keeps the order of the nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

CONTRIBUTED = "com.microsoft"
"""Domain of ONNX Runtime's own operators."""

OPSET = 24
"""The first with an `Attention` that takes the length of each row; ONNX Runtime 1.24 gets that wrong, 1.25 right."""

FEATURES = "features"
"""Name of the input that holds the features of the rows."""

BRANCH = ".branch"
"""Ends the name of a node that adds what an adaptation computes."""

FORMAT = 11
"""Version of the file format, older than the operators need, so that every ONNX Runtime that has them reads it."""


class GraphWriter:
    """Collects nodes and constants.

    Args:
        prefix: Starts every name, so that two writers' names cannot meet in one graph.

    Attributes:
        replaceable: Constants that a run may replace, by exact name: their shapes.
    """

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self.replaceable: dict[str, Sequence[str | int]] = {}

    def constant(self, value: Any, name: str = "constant") -> str:
        """Add a constant (weights as they are, Python floats as float32, integers as int64); return its name."""
        array = value if isinstance(value, (np.ndarray, np.generic)) else _array(value)
        unique = f"{self.prefix}{name}.{len(self.constants)}"
        self.constants[unique] = numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), unique)
        return unique

    def movable(self, value: NDArray[np.float32], name: str) -> str:
        """Add what an adaptation may move: a constant, as this graph is of one model."""
        return self.constant(value, name)

    def branch(self, place: str, states: str, added: str) -> str:
        """Add what an adaptation computes at a place to the states; the node's name says so."""
        result = self.add("Sum", states, added)
        self.nodes[-1].name = f"{place}{BRANCH}"
        return result

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node of one result and return the result's name; an empty input is an absent one."""
        return self.add_many(operator, 1, *inputs, domain=domain, **attributes)[0]

    def add_many(self, operator: str, results: int, *inputs: str, domain: str = "", **attributes: Any) -> list[str]:
        """Add a node of several results and return their names."""
        name = f"{self.prefix}{operator}.{len(self.nodes)}"
        names = [name] if results == 1 else [f"{name}.{i}" for i in range(results)]
        self.nodes.append(helper.make_node(operator, inputs, names, name, domain=domain, **attributes))
        return names

    def model(
        self, outputs: Mapping[str, tuple[str, Sequence[str | int]]], features: int | None = None
    ) -> onnx.ModelProto:
        """Return the finished model over `input_ids`, `attention_mask` and, where a row has some, `features`.

        Args:
            outputs: By public name: the result that it stands for and its shape.
            features: How many numbers the features of a row are; None where the model reads none.
        """
        inputs: dict[str, tuple[int, Sequence[str | int]]] = {
            name: (TensorProto.INT64, ["batch", "tokens"]) for name in ("input_ids", "attention_mask")
        }
        if features is not None:
            inputs[FEATURES] = (TensorProto.FLOAT, ["batch", features])
        return self.model_of(inputs, outputs)

    def model_of(
        self,
        inputs: Mapping[str, tuple[int, Sequence[str | int]]],
        outputs: Mapping[str, tuple[str, Sequence[str | int]]],
    ) -> onnx.ModelProto:
        """Return the finished model over any inputs.

        Args:
            inputs: By public name: type and shape.
            outputs: As for `model`.
        """
        for public, (result, _) in outputs.items():
            self.nodes.append(helper.make_node("Identity", [result], [public], public))
        places = {name: (TensorProto.FLOAT, shape) for name, shape in self.replaceable.items()}
        ids = [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in {**inputs, **places}.items()]
        results = [
            helper.make_tensor_value_info(public, TensorProto.FLOAT, shape) for public, (_, shape) in outputs.items()
        ]
        graph = helper.make_graph(self.nodes, "feilun", ids, results, list(self.constants.values()))
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIBUTED, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=FORMAT, producer_name="feilun")


def _array(value: Any) -> NDArray[Any]:
    array = np.asarray(value)
    return array.astype(np.float32 if array.dtype.kind == "f" else np.int64)
