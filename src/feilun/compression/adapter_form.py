"""The form `adapter`: what an adaptation learnt and the head, as files beside a base graph that others stand on too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import onnx
from onnx import TensorProto

from feilun.bundles.adapter_runtime import ADAPTER, HEAD, Adapter, AdapterFiles, write_adapter
from feilun.bundles.base_graphs import GRAPH, keep, path_of
from feilun.bundles.generator import Generator
from feilun.bundles.runtime import Runtime
from feilun.bundles.session import FEATURES
from feilun.compression.export import compare
from feilun.compression.generation import refuse_unless_same
from feilun.compression.graphs.bert import has_linear_head, is_plain_bert, open_bert_graph
from feilun.compression.graphs.decoder import is_known_decoder, open_decoder_graph, open_reader_graph
from feilun.compression.graphs.fusion import linear, write_fusion
from feilun.compression.graphs.writer import GraphWriter
from feilun.core.corpus import Corpus
from feilun.core.errors import UsageError
from feilun.core.files import atomic_file
from feilun.core.labels import LabelSet
from feilun.core.remark import Remark, said_in
from feilun.models.adaptations.own_weights import own_weights
from feilun.models.bases.base import Base
from feilun.models.heads.generate import WRITTEN
from feilun.models.text_model import TextModel, evaluating
from feilun.text.clean import Cleaning

REMEDY = Remark(
    'Set compression.form to "model": the bundle then holds the whole model.',
    '请把 compression.form 设为 "model"：这样模型包里是完整的模型。',
)


def refuse_unless_apart(model: TextModel) -> None:
    """Refuse a model that cannot be parted into a base's graph and what was added to it; worth asking before training.

    Args:
        model: The model, adapted.

    Raises:
        UsageError: If its base is of a family whose graph is traced, its head is no linear layer, or weights move for
            which a base graph has no place.
    """
    writes = model.reads == "answers"
    if not (writes or (has_linear_head(model) and can_share(model.base))):
        raise UsageError(
            Remark(
                f"compression.form is adapter, but of the base {model.base.name} ({type(model.body).__name__}) with "
                f"a head for {model.head.task} no graph can be written that others share: that of the BERT family "
                f"can, and of {', '.join(WRITTEN)}, with one linear layer as the head.",
                f"compression.form 是 adapter，但对基座 {model.base.name}（{type(model.body).__name__}）加上任务 "
                f"{model.head.task} 的头，写不出别人也能共用的计算图：BERT 一系和 {'、'.join(WRITTEN)} 可以，"
                "头须是单个线性层。",
            ),
            REMEDY,
        )
    graph = open_graph(model.base, model.encoder.max_tokens, writes=writes).graph
    places = {value.name for value in graph.input}
    homeless = sorted(set(own_weights(model.body, moving(model))) - places)
    if homeless:
        raise UsageError(
            Remark(
                f"compression.form is adapter, but {len(homeless)} weights of the base itself move, such as "
                f"{homeless[0]}: they are no adapter.",
                f"compression.form 是 adapter，但基座自己也有 {len(homeless)} 个权重在变，例如 {homeless[0]}："
                "它们不属于适配器。",
            ),
            Remark(
                f"Set model.adaptation.kind to lora, adalora or adapter, or frozen without layers. {REMEDY}",
                "请把 model.adaptation.kind 设为 lora、adalora 或 adapter，或者不带 layers 的 frozen。"
                f"{said_in('zh', REMEDY)}",
            ),
        )


def can_share(base: Base) -> bool:
    """Say whether a graph of a base can be written that several models share."""
    return is_known_decoder(base) if base.kind == "causal" else is_plain_bert(base.model)


def moving(model: TextModel) -> list[str]:
    """Return the names, within the body, of its weights that may move."""
    return [name.removeprefix("body.") for name in model.moving if name.startswith("body.")]


def open_graph(base: Base, max_tokens: int, *, writes: bool, block: int | None = None) -> onnx.ModelProto:
    """Return the open graph of a base for which `can_share` holds.

    Args:
        base: The base, adapted or not.
        max_tokens: Longest context of a language model; it is part of the graph.
        writes: Whether it writes answers.
        block: Of one that writes: numbers of its matrices that share a scale in int8; None: float32.
    """
    if writes:
        return open_decoder_graph(base, max_tokens, block=block)
    return open_reader_graph(base, max_tokens) if base.kind == "causal" else open_bert_graph(base)


@dataclass(frozen=True)
class Apart:
    """A trained model as its base's graph, kept for all that stand on it, and files of its own.

    Args:
        model: The model, not folded.
        folder: Receives the files.
        files: Adapter and head.
        float32: Hash of the base's graph in float32.
    """

    model: TextModel
    folder: Path
    files: AdapterFiles
    float32: str

    @classmethod
    def of(cls, model: TextModel, folder: Path) -> Self:
        """Part a model.

        Raises:
            StorageError: If the disk is full.
        """
        files = write_files(model, folder)
        graph = open_graph(model.base, model.encoder.max_tokens, writes=model.reads == "answers")
        return cls(model, folder, files, keep_graph(graph, folder))

    def runtime(self, labels: LabelSet, cleaning: Cleaning) -> Runtime:
        """Return what runs a model that writes nothing, once it answers as torch does.

        Raises:
            BundleError: If it answers otherwise.
        """
        model, graph = self.model, path_of(self.float32)
        runtime = Runtime(
            graph, model.encoder, labels, cleaning=cleaning, decision=model.decision, pad_id=model.base.pad_id,
            features=None if model.fusion is None else model.fusion.columns, opener=Adapter(self.files).over,
        )  # fmt: skip
        with evaluating(model):
            compare(model, runtime.opener(graph, runtime.threads))
        return runtime

    def generator(self, cleaning: Cleaning, rows: Corpus) -> Generator:
        """Return what runs a model that writes, once it foretells some of the rows' answers as torch does.

        Raises:
            BundleError: If it foretells something else.
        """
        generator = self._generator(self.float32, cleaning)
        refuse_unless_same(self.model, generator, rows)
        return generator

    def int8_generator(self, cleaning: Cleaning, block: int) -> Generator:
        """Return the same on the base in int8, with so many numbers a scale."""
        graph = open_graph(self.model.base, self.model.encoder.max_tokens, writes=True, block=block)
        return self._generator(keep_graph(graph, self.folder), cleaning)

    def on_kept_graph(self, runtime: Runtime | Generator) -> tuple[Runtime | Generator, dict[str, Any]]:
        """Keep the graph that a runtime runs; return a runtime on the kept file, and what a manifest says of it."""
        digest = keep(runtime.model)
        if isinstance(runtime, Runtime) and runtime.model != path_of(digest):
            runtime = runtime.like(path_of(digest))
        return runtime, {GRAPH: {"sha256": digest, "float32": self.float32}}

    def _generator(self, digest: str, cleaning: Cleaning) -> Generator:
        return Generator(
            path_of(digest), self.model.encoder, cleaning=cleaning, decision=self.model.prompts.decision,
            pad_id=self.model.base.pad_id, opener=Adapter(self.files).over,
        )  # fmt: skip


def keep_graph(graph: onnx.ModelProto, folder: Path) -> str:
    """Keep a base graph under its hash, which is returned.

    Args:
        graph: The graph.
        folder: Where it is written first.

    Raises:
        StorageError: If the disk is full.
    """
    path = folder / "base.onnx"
    with atomic_file(path) as temporary:
        onnx.save(graph, temporary)
    digest = keep(path)
    path.unlink()
    return digest


def write_files(model: TextModel, folder: Path) -> AdapterFiles:
    """Write what an adaptation learnt, and the head.

    Args:
        model: The model, trained, not folded.
        folder: Receives the files.

    Returns:
        The files; None for what the model has not.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = own_weights(model.body, moving(model))
    adapter, head = folder / ADAPTER, folder / HEAD
    if tensors:
        with atomic_file(adapter) as temporary:
            write_adapter(temporary, tensors)
    if model.reads != "answers":
        with atomic_file(head) as temporary:
            onnx.save(head_graph(model), temporary)
    return AdapterFiles.of(folder)


def head_graph(model: TextModel) -> onnx.ModelProto:
    """Write the graph of a model's head.

    Args:
        model: Its head is a linear layer or none.

    Returns:
        A model from `pooled` (batch, hidden), or `states` (batch, tokens, hidden) where tokens are read, and
        `features` (batch, width) where there are some, to `logits` of the axes that they have in a whole model.
    """
    write = GraphWriter("head/")
    layer: Any = model.head.linear
    reads = "states" if model.reads == "tokens" else "pooled"
    axes: list[str | int] = ["batch", "tokens"] if reads == "states" else ["batch"]
    inputs: dict[str, tuple[int, list[str | int]]] = {reads: (TensorProto.FLOAT, [*axes, model.base.hidden])}
    state = reads
    if model.fusion is not None:
        inputs[FEATURES] = (TensorProto.FLOAT, ["batch", model.fusion.columns.width])
        state = write_fusion(write, model.fusion, state)
    if layer is None:  # vectors are the pooled states themselves
        return write.model_of(inputs, {"logits": (state, [*axes, model.base.hidden])})
    if reads == "pooled":
        logits = linear(write, layer, state)
    else:
        weight, bias = (tensor.detach().float().cpu().numpy() for tensor in (layer.weight, layer.bias))
        logits = write.add("Add", write.add("MatMul", state, write.constant(weight.T)), write.constant(bias))
    return write.model_of(inputs, {"logits": (logits, [*axes, layer.out_features])})
