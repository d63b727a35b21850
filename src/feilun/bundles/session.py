"""Opening an ONNX file, and holding it to what a bundle's model reads and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from feilun.core.errors import BundleError
from feilun.core.features import FeatureColumns

INPUTS = ("input_ids", "attention_mask")
FEATURES = "features"
OUTPUTS = ("logits", "pooled")


class Session(Protocol):
    """Runs a graph: ONNX Runtime's own, or one that puts an adapter into it."""

    def get_inputs(self) -> Sequence[Any]:
        """Return what it reads: values with `name` and `shape`."""
        ...

    def get_outputs(self) -> Sequence[Any]:
        """Return what it gives."""
        ...

    def run(self, outputs: Sequence[str], inputs: Mapping[str, Any], /) -> list[NDArray[np.float32]]:
        """Return the outputs of these names."""
        ...

    def run_with_ort_values(self, outputs: Sequence[str], inputs: Mapping[str, Any], /) -> list[Any]:
        """Return the outputs of these names as ONNX Runtime's own values."""
        ...


Opener = Callable[[Path, int], Session]
"""Opens a graph with so many threads."""


def identity(file: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is replaced."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def open_session(model: Path, threads: int) -> onnxruntime.InferenceSession:
    """Open a model with so many threads.

    Raises:
        BundleError: If ONNX Runtime cannot run it.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only; they are raised as well
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own errors share no base class
        raise BundleError(
            f"{model} cannot be run by ONNX Runtime {onnxruntime.__version__}: {error}.",
            "If the bundle was written with a newer ONNX Runtime: pip install --upgrade onnxruntime",
        ) from error


def output_widths(session: Session, model: Path, width: int, labels: int) -> dict[str, int]:
    """Return the width of each output, once inputs, outputs and labels are known to fit."""
    inputs = {value.name for value in session.get_inputs()}
    shapes = {value.name: value.shape for value in session.get_outputs()}
    if inputs - {FEATURES} != set(INPUTS) or not set(OUTPUTS) <= set(shapes):
        raise BundleError(
            f"{model} reads {sorted(inputs)} and gives {sorted(shapes)}; "
            f"a bundle's model reads {sorted(INPUTS)} and gives {sorted(OUTPUTS)}.",
            "Export it again.",
        )
    widths = {name: shapes[name][-1] for name in OUTPUTS}
    if widths["logits"] != width or not isinstance(widths["pooled"], int):
        wanted = "" if width == labels else f", for which its task wants {width}"
        raise BundleError(
            f"{model} gives {widths['logits']} scores a text, but there are {labels} labels{wanted}.",
            "Export it again.",
        )
    return widths


def check_features(session: Session, model: Path, features: FeatureColumns | None) -> None:
    """Refuse a model that reads other features than those that are at hand."""
    shapes = {value.name: value.shape for value in session.get_inputs()}
    read = shapes[FEATURES][-1] if FEATURES in shapes else None
    given = None if features is None else features.width
    if read != given:
        raise BundleError(
            f"{model} reads {read or 'no'} numbers of features, but the columns at hand give {given or 'none'}.",
            "Export it again.",
        )
