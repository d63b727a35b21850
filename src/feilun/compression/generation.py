"""A language model becomes an ONNX file with a cache, in int8 where that keeps its perplexity."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from feilun.bundles.generator import Generator
from feilun.compression.graphs.decoder import decoder_graph
from feilun.compression.settings import AS_ASKED, CompressionSettings, Precision
from feilun.core.corpus import Corpus
from feilun.core.errors import BundleError
from feilun.core.files import atomic_file
from feilun.core.remark import Remark, joined
from feilun.core.splits import Splits
from feilun.evaluation.metrics.texts import perplexity
from feilun.models.text_model import TextModel
from feilun.text.clean import Cleaning

COMPARED_ROWS = 8
"""Rows on which torch and the file in float32 are compared."""

MOST_GATED = 200
"""Validation rows by which int8 is judged."""

BLOCKS = (128, 32)
"""Numbers that share a scale in int8: small blocks are tried where large ones, a tenth smaller, cost too much.

Of gemma3-270m large ones raise perplexity by 3.5 %, small ones by 0.9 % (docs/generation.md).
"""

LARGEST_DIFFERENCE = 1e-3
"""Between the mean surprises of a token of torch and of ONNX Runtime in float32."""


def export_generator(model: TextModel, path: Path, cleaning: Cleaning, *, block: int | None = None) -> Generator:
    """Write a language model as one ONNX file and open it.

    Args:
        model: The model, folded; it is left as it was.
        path: The file.
        cleaning: What the bundle does to every text first.
        block: Most numbers of a row of its matrices that share a scale in int8; None: float32.

    Returns:
        What runs the file.

    Raises:
        StorageError: If the disk is full.
    """
    with atomic_file(path) as temporary:
        onnx.save(decoder_graph(model, block=block), temporary)
    return Generator(
        path, model.encoder, cleaning=cleaning, decision=model.prompts.decision, pad_id=model.base.pad_id
    )  # fmt: skip


def exported(model: TextModel, path: Path, cleaning: Cleaning, rows: Corpus) -> Generator:
    """Write a model in float32 and compare what it foretells with torch.

    Raises:
        BundleError: If it foretells something else.
    """
    generator = export_generator(model, path, cleaning)
    refuse_unless_same(model, generator, rows)
    return generator


def refuse_unless_same(model: TextModel, generator: Generator, rows: Corpus) -> None:
    """Compare what a file foretells with what torch does.

    Args:
        model: The model, folded or not.
        generator: Runs the file.
        rows: Of them a few are read.

    Raises:
        BundleError: If it foretells something else.
    """
    corpus = evenly(rows, COMPARED_ROWS)
    with in_float32(model):
        wanted = model.surprise(model.examples(corpus)).cpu().numpy()
    apart = float(np.abs(_of_a_token(generator.logits(corpus)) - _of_a_token(wanted)).max(initial=0))
    if not apart <= LARGEST_DIFFERENCE:
        raise BundleError(
            Remark(
                f"The exported model is not the trained one: it finds answers more or less likely, by {apart:.2g} a "
                "token.",
                f"导出的模型与训练的不一致：它给答案的可能性，每个词元相差 {apart:.2g}。",
            ),
            Remark(
                "Nothing was written. This is a fault of Feilun for this architecture: please report the base.",
                "没有写入任何文件。这是飞轮对这种架构的缺陷：请报告这个基座。",
            ),
        )


@contextmanager
def in_float32(model: TextModel) -> Iterator[None]:
    """Let a model's matrix products have the type that its file has, for a while."""
    dtype, model.dtype = model.dtype, torch.float32
    try:
        yield
    finally:
        model.dtype = dtype


def quantized_generator(
    plain: Generator, in_int8: Callable[[int], Generator], splits: Splits, settings: CompressionSettings
) -> tuple[Generator, Precision, Remark]:
    """Make a model int8 unless that raises its perplexity by more than it may.

    Args:
        plain: The model in float32.
        in_int8: Makes the same in int8, with so many numbers a scale.
        splits: Its validation rows are looked at.
        settings: The table `[compression]`.

    Returns:
        What runs the chosen file, the precision of its weights, and a remark that says why.
    """
    if settings.quantize == "none":
        return plain, "fp32", AS_ASKED
    rows = evenly(splits.validation, MOST_GATED)
    before, refused = perplexity(plain.logits(rows)), Remark("", "")
    for block in BLOCKS:
        small = in_int8(block)
        after = perplexity(small.logits(rows))
        compared = Remark(
            f"over {len(rows):,} validation rows perplexity is {after:.4g} in int8, {block} numbers a scale, and "
            f"{before:.4g} in float32",
            f"{len(rows):,} 条验证行上的困惑度，int8（每 {block} 个数一个比例）为 {after:.4g}，float32 为 {before:.4g}",
        )
        if after / before - 1 <= settings.max_perplexity_rise:
            made = Remark(f"Weights are int8: {compared}.", f"权重为 int8：{compared.chinese}。")
            return small, "int8", joined([made, refused], "", "")
        failed = Remark(
            f" int8 was tried and refused, for {compared}.", f"试过 int8 而不予采用，因为{compared.chinese}。"
        )
        refused = joined([refused, failed], "", "")
    return plain, "fp32", joined([Remark("Weights are float32.", "权重为 float32。"), refused], "", "")


def evenly(corpus: Corpus, count: int) -> Corpus:
    """Return at most `count` rows of a corpus, evenly spread over it."""
    places = np.linspace(0, len(corpus) - 1, min(count, len(corpus))).round().astype(int)
    return corpus.select(np.unique(places).tolist())


def _of_a_token(surprise: NDArray[np.floating]) -> NDArray[np.floating]:
    means: NDArray[np.floating] = surprise[:, 0] / np.maximum(surprise[:, 1], 1)
    return means
