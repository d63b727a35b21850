"""A model with fewer heads and units, taught by what it was: kept where it loses no more than it may."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from feilun.bundles.runtime import Runtime
from feilun.compression.export import export_onnx
from feilun.compression.generation import evenly
from feilun.compression.prune import prune
from feilun.compression.risk_control import whole_promise
from feilun.compression.settings import CompressionSettings
from feilun.core.corpus import Corpus
from feilun.core.decisions.table import AnyDecision
from feilun.core.remark import Remark, joined
from feilun.core.splits import Splits
from feilun.evaluation.judges.table import JUDGES
from feilun.evaluation.quality import QUALITIES
from feilun.models.text_model import TextModel

Recover = Callable[[TextModel, Runtime], None]
"""Trains a pruned model in place; the second is the model as it was, which may teach it."""

ONE_LABEL = frozenset({"classify", "match"})
"""Tasks whose loss of accuracy is bounded; of others the first figure is compared."""

TIMED_TEXTS, TIMES = 512, 5
"""Texts that both are timed on, and how often, in turns."""


@dataclass(frozen=True)
class PrunedForm:
    """What came of pruning.

    Args:
        runtime: The smaller model, or the source where that lost too much.
        source: What it was before, calibrated.
        kept: Whether it is the smaller one.
        remark: What was done and measured, for the report.
        speedup: How many times as fast as its source the smaller one is, in float32 on this machine.
    """

    runtime: Runtime
    source: Runtime
    kept: bool
    remark: Remark
    speedup: float


def pruned_form(
    model: TextModel, source: Runtime, splits: Splits, settings: CompressionSettings, recover: Recover, folder: Path
) -> PrunedForm:
    """Prune a trained model, train it again for a while, and compare it with what it was on the validation rows.

    Args:
        model: The trained model, folded; it is changed.
        source: The same as it was, exported.
        splits: What heads and units are worth is measured on `train`.
        settings: How much goes, and what that may cost.
        recover: Trains the pruned model.
        folder: Receives the file.

    Raises:
        UsageError: If the model's architecture cannot be pruned.
    """
    left = prune(model, splits.train, settings.prune)
    recover(model, source)
    file = folder / "model.pruned.onnx"
    export_onnx(model, file)
    small = source.like(file)
    measured, refused = compared(source, small, splits.validation, settings)
    speedup = _speedup(source, small, splits.validation)
    if refused:
        remark = Remark(
            f"Nothing was pruned: {settings.prune:.0%} was tried and refused, for {measured}.",
            f"没有剪枝：试过 {settings.prune:.0%} 而不予采用，因为{measured.chinese}。",
        )
        return PrunedForm(source, source, False, remark, speedup)
    source.decision = calibrated(source, source.logits(splits.validation), splits.validation)
    done = joined([left.clause(), measured])
    remark = Remark(f"The model is pruned: {done}.", f"模型已剪枝：{done.chinese}。")
    return PrunedForm(small, source, True, remark, speedup)


def calibrated(runtime: Runtime, logits: Any, rows: Corpus) -> AnyDecision:
    """Return a model's decision, calibrated on rows that it gives these numbers."""
    own = runtime.decision
    decision: AnyDecision = JUDGES[own.task].calibrate(logits, rows, runtime.labels, own, None)
    return decision


def compared(source: Runtime, small: Runtime, validation: Corpus, settings: CompressionSettings) -> tuple[Remark, bool]:
    """Compare a pruned model with its source.

    Returns:
        What was found, a clause, and whether more may be lost than is allowed: of tasks that give one label by the
        upper bound of the loss of accuracy, of others by the task's first figure on these rows.
    """
    quality = QUALITIES[source.decision.task]
    right, figures = [], []
    for runtime in (source, small):
        logits = runtime.logits(validation)
        decision = calibrated(runtime, logits, validation)
        correct, needed = quality.rows(logits, validation, runtime.labels, decision)
        right.append(correct)
        figures.append(float(quality.figure(needed.sum(0).astype(float))))
    said = Remark(
        f"of {len(validation):,} validation rows {quality.metric} is {figures[1]:.4f}, before {figures[0]:.4f}",
        f"{len(validation):,} 条验证行上 {quality.metric} 为 {figures[1]:.4f}，此前为 {figures[0]:.4f}",
    )
    most = f"{settings.max_drop:g}"
    if source.decision.task not in ONE_LABEL:
        allowed = Remark(f"{most} are allowed (max_drop) in points", f"允许 {most} 个百分点（max_drop）")
        return joined([said, allowed]), 100 * (figures[0] - figures[1]) > settings.max_drop
    kept = whole_promise(right[1], right[0], settings.confidence)
    sure, bound = f"{settings.confidence:.0%}", 100 * kept.bound
    promised = Remark(
        f"it loses {kept.lost} and gains {kept.gained}, so that with {sure} confidence at most {bound:.2f} points of "
        f"accuracy are lost, {most} are allowed (max_drop)",
        f"失去 {kept.lost} 行，赢得 {kept.gained} 行，因此以 {sure} 的置信度，准确率最多损失 {bound:.2f} 个百分点，"
        f"允许 {most} 个（max_drop）",
    )
    return joined([said, promised]), bound > settings.max_drop


def _speedup(source: Runtime, small: Runtime, corpus: Corpus) -> float:
    """Return how many times as many texts a second the second model reads, by the medians of runs in turns."""
    texts = evenly(corpus, TIMED_TEXTS)
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(TIMES):
        for runtime, taken in zip((source, small), seconds, strict=True):
            began = time.perf_counter()
            runtime.logits(texts)
            taken.append(time.perf_counter() - began)
    return median(seconds[0]) / median(seconds[1])
