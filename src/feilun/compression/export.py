"""From a trained model to an ONNX file, reopened and compared before success is said."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray

from feilun.bundles.cores import usable_cores
from feilun.bundles.session import Session, open_session
from feilun.compression.graphs.bert import bert_graph, is_bert
from feilun.compression.graphs.fusion import blank_graph
from feilun.compression.graphs.writer import FEATURES
from feilun.core.errors import BundleError
from feilun.core.files import atomic_file
from feilun.core.remark import Remark, said_in
from feilun.text.tokens import pad

if TYPE_CHECKING:
    from feilun.models.text_model import TextModel

TRACED_OPSET = 20
"""From 23 on torch writes `RotaryEmbedding` nodes that ONNX Runtime refuses for more than one row."""

LARGEST_FILE = 2**31 - 1
"""A file of the ONNX format, a protocol buffer, holds no more bytes."""

LARGEST_DIFFERENCE = 1e-3
"""Between logits of torch and of ONNX Runtime in float32, as a share of the largest value where that is above 1."""


def export_onnx(model: TextModel, path: Path) -> float:
    """Write a model as one ONNX file in float32 with any number of rows and tokens.

    The BERT family is written by `bert_graph`, a model without a text by `blank_graph`, every other architecture is
    traced by torch.

    Args:
        model: The model; it is left as it was.
        path: The file: `input_ids` and `attention_mask`, int64 (batch, tokens), padded on the right, give `logits`,
            float32 (batch, labels) or, of tokens, (batch, tokens, tags), and `pooled`, float32 (batch, hidden). A
            model that reads features has the input `features`, float32 (batch, width), too.

    Returns:
        The largest absolute difference of a logit between torch and the reopened file.

    Raises:
        BundleError: If the model is too large for one file, cannot be traced, or the file gives other logits.
        StorageError: If the disk is full.
    """
    from feilun.models.text_model import evaluating

    _check_size(model)
    with evaluating(model), atomic_file(path) as temporary:
        onnx.save(graph_of(model), temporary)
        return compare(model, open_session(temporary, usable_cores()))


def graph_of(model: TextModel) -> onnx.ModelProto:
    """Return a model's graph, written or traced."""
    if model.base.kind == "blank":
        return blank_graph(model)
    return bert_graph(model) if is_bert(model) else traced_graph(model)


def traced_graph(model: TextModel) -> onnx.ModelProto:
    """Trace a model of any architecture with torch's exporter.

    Args:
        model: The model, in evaluation mode.

    Returns:
        Its graph.

    Raises:
        BundleError: If torch cannot trace it.
    """
    import torch

    rows = torch.export.Dim("batch"), torch.export.Dim("tokens")
    examples = {name: torch.from_numpy(array) for name, array in _examples(model, [6, 3, 2]).items()}
    axes: list[dict[int, Any]] = [dict(enumerate(rows)), dict(enumerate(rows)), {0: rows[0]}]
    with _traceable(model), _silence():
        try:
            program = torch.onnx.export(
                model,
                tuple(examples.values()),
                input_names=list(examples),
                output_names=["logits", "pooled"],
                dynamic_shapes=tuple(axes[: len(examples)]),
                opset_version=TRACED_OPSET,
                dynamo=True,
                verbose=False,
            )
        except Exception as error:  # the exporter raises what it likes
            name = type(model.body).__name__
            raise BundleError(
                Remark(
                    f"torch cannot export the architecture {name} to ONNX: {str(error).splitlines()[0]}",
                    f"torch 无法把架构 {name} 导出为 ONNX：{str(error).splitlines()[0]}",
                ),
                Remark(
                    "Choose another base; `feilun bases` lists those that are known to work.",
                    "请换一个基座；`feilun bases` 列出已知可用的基座。",
                ),
            ) from error
    assert program is not None  # noqa: S101 - None only without dynamo
    exported: onnx.ModelProto = program.model_proto
    strip(exported)
    spare_residuals(exported)
    return exported


def strip(model: onnx.ModelProto) -> None:
    """Remove what the exporter noted for its own authors: stack traces with paths of this machine."""
    graph = model.graph
    for noted in (model, graph, *graph.node, *graph.initializer, *graph.value_info, *graph.input, *graph.output):
        del noted.metadata_props[:]
        noted.doc_string = ""


def spare_residuals(model: onnx.ModelProto) -> None:
    """Write every `Add` in front of a `LayerNormalization` as `Sum`; `bert_graph` says why."""
    normalised = {node.input[0] for node in model.graph.node if node.op_type == "LayerNormalization"}
    for node in model.graph.node:
        if node.op_type == "Add" and node.output[0] in normalised:
            node.op_type = "Sum"


def compare(model: TextModel, session: Session) -> float:
    """Run torch and a file over made rows of 1 token to the longest, alone and in batches.

    Args:
        model: The model, in evaluation mode.
        session: Runs the file.

    Returns:
        The largest absolute difference of a logit.

    Raises:
        BundleError: If the logits differ by more than rounding.
    """
    import torch

    longest = model.encoder.max_tokens
    largest = scale = 0.0
    for lengths in ([1], [longest], sorted({1, 2, 3, longest // 2, longest - 1, longest} - {0}), [5] * 9):
        inputs = _examples(model, [min(length, longest) for length in lengths])
        with torch.no_grad():
            wanted = model(*(torch.from_numpy(array).to(model.device) for array in inputs.values()))
        found = session.run(["logits", "pooled"], inputs)
        mask = inputs["attention_mask"]
        wanted, found = ([_of_tokens(output, mask) for output in outputs] for outputs in (wanted, found))
        for expected, other in zip(wanted, found, strict=True):
            if expected.shape != other.shape or not np.isfinite(other).all():
                raise _unequal(
                    Remark(
                        f"shape {other.shape} or values that are not finite, where torch gives {expected.shape}",
                        f"的形状是 {other.shape}，或者有非有限的数值，而 torch 给出的是 {expected.shape}",
                    )
                )
            scale = max(scale, float(np.abs(expected).max()))
        largest = max(largest, float(np.abs(found[0] - wanted[0]).max()))
    if largest > LARGEST_DIFFERENCE * max(1.0, scale):
        raise _unequal(
            Remark(
                f"logits that differ by {largest:.2g} from torch's, at most {LARGEST_DIFFERENCE:g} is rounding",
                f"与 torch 的相差 {largest:.2g}，舍入误差最多为 {LARGEST_DIFFERENCE:g}",
            )
        )
    return largest


def _of_tokens(output: Any, mask: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return an output as an array; of those with an axis of tokens only what stands on tokens, not on padding."""
    array: NDArray[np.float32] = output if isinstance(output, np.ndarray) else output.float().cpu().numpy()
    return array[mask.astype(bool)] if array.ndim == 3 else array


def _examples(model: TextModel, lengths: list[int]) -> dict[str, NDArray[Any]]:
    """Make ids of rows of these lengths, without the padding's id, their mask, and features where there are some."""
    random = np.random.default_rng(0)
    words = model.body.get_input_embeddings().weight.shape[0]  # type: ignore[operator]
    rows = [random.integers(0, words, length) for length in lengths]
    ids, mask = pad(
        [np.where(row == model.base.pad_id, (row + 1) % words, row).tolist() for row in rows], model.base.pad_id
    )
    made: dict[str, NDArray[Any]] = {"input_ids": ids, "attention_mask": mask}
    if model.fusion is not None:
        made[FEATURES] = random.normal(size=(len(lengths), model.fusion.columns.width)).astype(np.float32)
    return made


@contextlib.contextmanager
def _traceable(model: TextModel) -> Iterator[None]:
    """Put a model on the processor for a while, with plain attention and without a cache of keys and values."""
    body: Any = model.body
    device, config = model.device, body.config
    attention, cached = config._attn_implementation, getattr(config, "use_cache", None)
    model.to("cpu")
    body.set_attn_implementation("eager")
    if cached is not None:
        config.use_cache = False
    try:
        yield
    finally:
        model.to(device)
        body.set_attn_implementation(attention)
        if cached is not None:
            config.use_cache = cached


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep the exporter's warnings off the screen: they speak to torch's authors, and `compare` is the judge."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)


def _check_size(model: TextModel) -> None:
    size = 4 * sum(weight.numel() for weight in model.parameters())
    if size > LARGEST_FILE:
        raise BundleError(
            Remark(
                f"The base {model.base.name} has {size / 1e9:.1f} GB of float32 weights; one ONNX file holds 2 GB.",
                f"基座 {model.base.name} 的 float32 权重有 {size / 1e9:.1f} GB；一个 ONNX 文件最多 2 GB。",
            ),
            Remark(
                "Choose a smaller base, or one whose vocabulary can be trimmed (model.vocabulary).",
                "请换一个更小的基座，或者词表可以裁剪的（model.vocabulary）。",
            ),
        )


def _unequal(what: str) -> BundleError:
    return BundleError(
        Remark(
            f"The exported model is not the trained one: it gives {what}.",
            f"导出的模型与训练的不一致：它的 logits {said_in('zh', what)}。",
        ),
        Remark(
            "Nothing was written. This is a fault of Feilun for this architecture: please report the base; another "
            "works.",
            "没有写入任何文件。这是飞轮对这种架构的缺陷：请报告这个基座，并换一个基座。",
        ),
    )
