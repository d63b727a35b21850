"""An open graph: that of a bare base, with places where a run may put what an adaptation learnt.

A place is an input with a default, which ONNX Runtime's LoRA adapters replace for one run. A default is of size zero
(an update of rank 0, a bottleneck of width 0: their products are zero), or what the base has itself (norms). So one
graph serves the bare base and any number of adapted models, whatever their ranks and widths. It is written by the same
code as a model's own graph, which meets the places among its weights.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from onnx import numpy_helper

from feilun.compression.graphs.writer import GraphWriter
from feilun.models.adaptations.own_weights import Weights


class OpenWriter(GraphWriter):
    """Writes what may move as inputs with defaults."""

    def movable(self, value: NDArray[np.float32], name: str) -> str:
        """Add an input with a default, under exactly this name; an axis of size zero takes any size."""
        if name not in self.replaceable:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
            self.replaceable[name] = [size or f"size of {name.rpartition('.')[0]}" for size in value.shape]
        return name


def with_updates(weights: Weights, layers: Iterable[str]) -> Weights:
    """Give linear layers a place for a low-rank update.

    Args:
        weights: The base's.
        layers: Paths of the linear layers.
    """
    added: Weights = {}
    for name in layers:
        outer, inner = weights[f"{name}.weight"].shape
        added[f"{name}.low_rank.a"] = np.zeros((inner, 0), np.float32)
        added[f"{name}.low_rank.b"] = np.zeros((0, outer), np.float32)
    return {**weights, **added}


def with_bottlenecks(weights: Weights, places: Iterable[str], hidden: int) -> Weights:
    """Give a base places for bottlenecks.

    Args:
        weights: The base's.
        places: Paths, each with its activation: `encoder.layer.0.output.dropout.bottleneck.gelu`.
        hidden: Width of the states.
    """
    added: Weights = {}
    for place in places:
        added[f"{place}.down.weight"] = np.zeros((0, hidden), np.float32)
        added[f"{place}.down.bias"] = np.zeros(0, np.float32)
        added[f"{place}.up.weight"] = np.zeros((hidden, 0), np.float32)
        added[f"{place}.up.bias"] = np.zeros(hidden, np.float32)
    return {**weights, **added}


def write_update(write: GraphWriter, weights: Weights, name: str, states: str, product: str) -> str:
    """Add a linear layer's low-rank update, where there is a place for one, to what it gives without bias.

    Args:
        write: Writes the graph.
        weights: Its weights, with places.
        name: The layer's path.
        states: What the layer reads.
        product: What it gives.
    """
    place = f"{name}.low_rank"
    if f"{place}.a" not in weights:
        return product
    inner = write.add("MatMul", states, write.movable(weights[f"{place}.a"], f"{place}.a"))
    return write.branch(place, product, write.add("MatMul", inner, write.movable(weights[f"{place}.b"], f"{place}.b")))


def write_bottleneck(write: GraphWriter, weights: Weights, place: str, states: str) -> str:
    """Write a bottleneck over states; its activation is the last word of its place.

    Args:
        write: Writes the graph.
        weights: Its weights, with places.
        place: Where it is; there must be one.
        states: What it reads.

    Returns:
        What is to be added to the states.
    """

    def linear(part: str, states: str) -> str:
        product = write.add("MatMul", states, write.movable(weights[f"{part}.weight"].T, part))
        return write.add("Add", product, write.movable(weights[f"{part}.bias"], f"{part}.bias"))

    activation = {"gelu": "Gelu", "relu": "Relu"}[place.rpartition(".")[2]]
    return linear(f"{place}.up", write.add(activation, linear(f"{place}.down", states)))
