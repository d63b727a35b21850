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
from feilun.core.remark import Remark, said_in

INPUTS = ("input_ids", "attention_mask")
FEATURES = "features"
OUTPUTS = ("logits", "pooled")

EXPORT_AGAIN = Remark("Export it again.", "请重新导出。")


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
            Remark(
                f"{model} cannot be run by ONNX Runtime {onnxruntime.__version__}: {error}.",
                f"ONNX Runtime {onnxruntime.__version__} 无法运行 {model}：{error}。",
            ),
            Remark(
                "If the bundle was written with a newer ONNX Runtime: pip install --upgrade onnxruntime",
                "如果模型包是用更新的 ONNX Runtime 写成的：pip install --upgrade onnxruntime",
            ),
        ) from error


def run(session: Session, model: Path, output: str, inputs: dict[str, Any]) -> NDArray[np.float32]:
    """Return one output of a model.

    Raises:
        BundleError: If ONNX Runtime cannot run it.
    """
    try:
        (answers,) = session.run([output], inputs)
    except Exception as error:  # ONNX Runtime's own errors share no base class
        raise BundleError(
            Remark(f"{model} fails when it is run: {error}.", f"{model} 运行时出错：{error}。"), EXPORT_AGAIN
        ) from error
    return answers


def output_widths(session: Session, model: Path, width: int, labels: int) -> dict[str, int]:
    """Return the width of each output, once inputs, outputs and labels are known to fit."""
    inputs = {value.name for value in session.get_inputs()}
    shapes = {value.name: value.shape for value in session.get_outputs()}
    if inputs - {FEATURES} != set(INPUTS) or not set(OUTPUTS) <= set(shapes):
        raise BundleError(
            Remark(
                f"{model} reads {sorted(inputs)} and gives {sorted(shapes)}; "
                f"a bundle's model reads {sorted(INPUTS)} and gives {sorted(OUTPUTS)}.",
                f"{model} 的输入是 {sorted(inputs)}，输出是 {sorted(shapes)}；"
                f"模型包里的模型，输入应为 {sorted(INPUTS)}，输出应为 {sorted(OUTPUTS)}。",
            ),
            EXPORT_AGAIN,
        )
    widths = {name: shapes[name][-1] for name in OUTPUTS}
    if widths["logits"] != width or not isinstance(widths["pooled"], int):
        needed = Remark(f", for which its task wants {width}", f"，它的任务需要 {width} 个分数")
        wanted = "" if width == labels else needed
        raise BundleError(
            Remark(
                f"{model} gives {widths['logits']} scores a text, but there are {labels} labels{wanted}.",
                f"{model} 对每条文本给出 {widths['logits']} 个分数，但标签有 {labels} 个{said_in('zh', wanted)}。",
            ),
            EXPORT_AGAIN,
        )
    return widths


def check_features(session: Session, model: Path, features: FeatureColumns | None) -> None:
    """Refuse a model that reads other features than those that are at hand."""
    shapes = {value.name: value.shape for value in session.get_inputs()}
    read = shapes[FEATURES][-1] if FEATURES in shapes else None
    given = None if features is None else features.width
    if read != given:
        raise BundleError(
            Remark(
                f"{model} reads {read or 'no'} numbers of features, but the columns at hand give {given or 'none'}.",
                f"{model} 读取 {read or 0} 个特征数值，而现有的列给出 {given or 0} 个。",
            ),
            EXPORT_AGAIN,
        )
