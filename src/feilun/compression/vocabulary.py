"""Trims the vocabulary of a finished model: rows of its table of word embeddings are left out, no weight changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from feilun.bundles.cascade import Cascade
from feilun.bundles.runtime import Runtime
from feilun.core.corpus import Corpus
from feilun.core.errors import BundleError, UsageError
from feilun.core.files import atomic_file
from feilun.core.remark import Remark
from feilun.core.spans import differences
from feilun.models.trimmed_tokenizer import trim_tokenizer

LOOKUPS = {"Gather": (0,), "GatherBlockQuantized": (0, 2)}
"""Operators that look up word embeddings, and which of their inputs have a row for each piece."""

LARGEST_DIFFERENCE = 1e-4


def trim_runtime(
    source: Runtime, name: str, languages: Sequence[str], corpus: Corpus, folder: Path
) -> tuple[Runtime, Remark]:
    """Keep the pieces of some languages and of some texts.

    Args:
        source: The model.
        name: Its name, for messages.
        languages: ISO 639-1 codes.
        corpus: Rows whose every piece is kept; on them the trimmed model must answer as before.
        folder: Receives the file.

    Returns:
        The trimmed model, and a sentence that says what was kept.

    Raises:
        UsageError: If the model is a cascade or reads pairs of tokens, whose tables know pieces by their number, or a
            language is unknown.
        BaseModelError: If the numbers of its tokenizer's pieces have gaps.
        BundleError: If its file has no table of word embeddings, or the trimmed one answers otherwise.
        StorageError: If the disk is full.
    """
    encoder = source.encoder
    texts = [text for column in (corpus.text, corpus.pair or ()) for text in column]
    found = trim_tokenizer(encoder.tokenizer, encoder.prefix, name, languages, texts)
    model = onnx.load(source.model)
    pairs_are_numbered = any(node.op_type == "Mul" and "input_ids" in node.input for node in model.graph.node)
    if isinstance(source, Cascade) or pairs_are_numbered:
        raise UsageError(
            Remark(
                f"The vocabulary of {name} cannot be trimmed: its student knows pairs of pieces by their numbers.",
                f"{name} 的词表不能裁剪：它的学生按编号认词元对。",
            ),
            Remark(
                "Trim the transformer first, then make a student or a cascade of it.",
                "请先裁剪 Transformer，再用它做学生或级联。",
            ),
        )
    if found.new_ids.get(source.pad_id) != source.pad_id:
        raise UsageError(
            Remark(
                f"The vocabulary of {name} cannot be trimmed: its padding would get another number.",
                f"{name} 的词表不能裁剪：填充词元的编号会改变。",
            )
        )
    if not _trim_tables(model, found.kept, found.before):
        raise BundleError(
            Remark(
                f"{source.model} has no table of word embeddings that could be trimmed.",
                f"{source.model} 里没有可以裁剪的词向量表。",
            )
        )
    path = folder / "model.trimmed.onnx"
    with atomic_file(path) as temporary:
        onnx.save(model, temporary)
    trimmed = Runtime(
        path, replace(encoder, tokenizer=found.tokenizer), source.labels, cleaning=source.cleaning,
        decision=source.decision, pad_id=source.pad_id, threads=source.threads, features=source.features,
    )  # fmt: skip
    difference = float(differences(source.logits(corpus), trimmed.logits(corpus)).max(initial=0))
    if difference > LARGEST_DIFFERENCE:
        raise BundleError(
            Remark(
                f"The trimmed model answers otherwise than {name}, by {difference:.2g}. Nothing was written.",
                f"裁剪后的模型与 {name} 的回答不同，相差 {difference:.2g}。没有写入任何文件。",
            )
        )
    kept = f"{len(found.kept):,} of {found.before:,} pieces"
    return trimmed, Remark(
        f"The vocabulary was trimmed to {', '.join(languages)} and the texts at hand: {kept}.",
        f"词表已裁剪到 {'、'.join(languages)} 和现有文本：保留 {found.before:,} 个词元中的 {len(found.kept):,} 个。",
    )


def _trim_tables(model: onnx.ModelProto, kept: NDArray[np.int64], rows: int) -> int:
    """Leave out rows of the tables in which token ids are looked up; return how many tables there are."""
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    wanted: set[str] = set()
    for node in model.graph.node:
        if node.op_type in LOOKUPS and node.input[1] == "input_ids":
            wanted |= {node.input[i] for i in LOOKUPS[node.op_type]}
    trimmed = [tensors[name] for name in sorted(wanted) if name in tensors and tensors[name].dims[0] >= rows]
    for tensor in trimmed:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor)[kept], tensor.name))
    return len(trimmed)
