"""A base graph run with an adapter: what an adapter bundle does for each request, beside others on the same base.

The base's session is opened once in a process. An adapter is a map of names to tensors (ONNX Runtime's `.onnx_adapter`
format), put for one run into the places of that name in the graph; a head is a small graph of its own behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Self
from weakref import WeakValueDictionary

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from feilun.bundles.session import FEATURES, Session, identity, open_session
from feilun.core.errors import BundleError
from feilun.core.remark import Remark

ADAPTER, HEAD = "adapter.onnx_adapter", "head.onnx"
"""What a bundle holds instead of `model.onnx`: what its adaptation learnt, if anything, and its head, if it has one."""

TRAIN_AGAIN = Remark("Train it again, on the base that it is for.", "请在它对应的基座上重新训练。")

VERSION = 1
"""Of the places in base graphs; ONNX Runtime keeps it in an adapter's file."""

_shared: WeakValueDictionary[tuple[Any, ...], onnxruntime.InferenceSession] = WeakValueDictionary()
_opening = Lock()


@dataclass(frozen=True)
class AdapterFiles:
    """The files of an adapted model beside its base's graph.

    Args:
        adapter: What the adaptation learnt; None where the base stands still.
        head: From states to logits; None where the base's own graph gives them.
    """

    adapter: Path | None
    head: Path | None

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Return the files that there are in a folder."""
        return cls(*(folder / name if (folder / name).is_file() else None for name in (ADAPTER, HEAD)))

    def by_name(self) -> dict[str, Path]:
        """Return those that there are by the names that they have in a bundle."""
        found = {ADAPTER: self.adapter, HEAD: self.head}
        return {name: path for name, path in found.items() if path is not None}


class Adapter:
    """What an adapted model has of its own, loaded once: a folder that gets a newer bundle does not change it.

    Args:
        files: Its files.

    Raises:
        BundleError: If one cannot be read.
    """

    def __init__(self, files: AdapterFiles) -> None:
        self.path = files.adapter
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.options = onnxruntime.RunOptions()
        self._loaded = onnxruntime.LoraAdapter()  # the options do not keep it alive
        if files.adapter is not None:
            try:
                self.shapes = {name: array.shape for name, array in read_adapter(files.adapter).items()}
                self._loaded.Load(str(files.adapter))
            except Exception as error:  # ONNX Runtime's own errors share no base class
                reason = str(error).partition("\n")[0]
                raise BundleError(
                    Remark(f"{files.adapter} is no adapter: {reason}.", f"{files.adapter} 不是适配器：{reason}。"),
                    Remark("Copy the bundle again.", "请重新复制模型包。"),
                ) from error
            self.options.add_active_adapter(self._loaded)
        self.head = None if files.head is None else open_session(files.head, 1)

    def over(self, graph: Path, threads: int) -> Session:
        """Put it on a base's graph; sessions of one graph and number of threads are one.

        Raises:
            BundleError: If the graph cannot be opened, or has no place for a tensor.
        """
        base = shared_session(graph, threads)
        places = {value.name: value.shape for value in base.get_overridable_initializers()}
        for name, shape in self.shapes.items():
            if name not in places:
                raise BundleError(
                    Remark(
                        f"{self.path} is for another graph: the base has no place for {name}.",
                        f"{self.path} 用于另一个计算图：基座里没有 {name} 的位置。",
                    ),
                    TRAIN_AGAIN,
                )
            if not _fits(shape, places[name]):
                raise BundleError(
                    Remark(
                        f"{self.path} is for another graph: {name} has the shape {shape}, its place {places[name]}.",
                        f"{self.path} 用于另一个计算图：{name} 的形状是 {shape}，它的位置却是 {places[name]}。",
                    ),
                    TRAIN_AGAIN,
                )
        return AdapterSession(base, self)


class AdapterSession:
    """Runs a base's session with an adapter, and a head behind it; safe to share between threads.

    Args:
        base: The session, which others use too.
        adapter: What is put into it, and the head.
    """

    def __init__(self, base: onnxruntime.InferenceSession, adapter: Adapter) -> None:
        self.base, self.adapter = base, adapter
        self.options, self.head = adapter.options, adapter.head
        self._read = "" if self.head is None else self.head.get_inputs()[0].name

    def get_inputs(self) -> Sequence[Any]:
        """Return what the base reads, and features where the head does."""
        further = [] if self.head is None else [one for one in self.head.get_inputs() if one.name == FEATURES]
        return [*self.base.get_inputs(), *further]

    def get_outputs(self) -> Sequence[Any]:
        """Return what head and base give."""
        return [*([] if self.head is None else self.head.get_outputs()), *self.base.get_outputs()]

    def run(self, outputs: Sequence[str], inputs: Mapping[str, Any]) -> list[NDArray[np.float32]]:
        """Return what is asked for; the base runs once.

        Args:
            outputs: Names of outputs.
            inputs: Arrays by name.
        """
        own = {name: value for name, value in inputs.items() if name != FEATURES}
        if self.head is None:
            found: list[NDArray[np.float32]] = self.base.run(outputs, own, self.options)
            return found
        wanted = list(dict.fromkeys(self._read if name == "logits" else name for name in outputs))
        given = dict(zip(wanted, self.base.run(wanted, own, self.options), strict=True))
        if "logits" in outputs:
            features = {name: value for name, value in inputs.items() if name == FEATURES}
            (given["logits"],) = self.head.run(["logits"], {self._read: given[self._read], **features})
        return [given[name] for name in outputs]

    def run_with_ort_values(self, outputs: Sequence[str], inputs: Mapping[str, Any]) -> list[Any]:
        """Return what is asked for as ONNX Runtime's own values, for models without a head."""
        found: list[Any] = self.base.run_with_ort_values(outputs, inputs, self.options)
        return found


def shared_session(graph: Path, threads: int) -> onnxruntime.InferenceSession:
    """Return the one session of a graph with so many threads in this process; it lives as long as it is used.

    Sessions do not change, so that nothing but memory tells that one is shared.
    """
    key = (identity(graph), threads)
    with _opening:
        session = _shared.get(key)
        if session is None:
            session = _shared[key] = open_session(graph, threads)
        return session


def write_adapter(path: Path, tensors: Mapping[str, NDArray[np.float32]]) -> None:
    """Write an adapter.

    Args:
        path: The file.
        tensors: Arrays by the names of their places.
    """
    adapter = onnxruntime.AdapterFormat()
    adapter.set_adapter_version(VERSION)
    adapter.set_model_version(VERSION)
    values = {
        name: onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(tensors[name])) for name in sorted(tensors)
    }
    adapter.set_parameters(values)
    adapter.export_adapter(str(path))


def read_adapter(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the tensors of an adapter."""
    adapter = onnxruntime.AdapterFormat.read_adapter(str(path))  # owns the memory of its parameters
    return {name: value.numpy().copy() for name, value in sorted(adapter.get_parameters().items())}


def _fits(shape: tuple[int, ...], place: Sequence[int | str]) -> bool:
    """Say whether a tensor fits a place, some of whose axes have a name instead of a size."""
    return len(shape) == len(place) and all(
        isinstance(size, str) or own == size for own, size in zip(shape, place, strict=True)
    )
