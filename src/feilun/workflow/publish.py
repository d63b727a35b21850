"""Step 6: a bundle, or a refusal that says why."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feilun.bundles.bundle import Bundle, open_bundle, write_bundle
from feilun.bundles.content import FEATURES
from feilun.bundles.generator import Generator
from feilun.bundles.golden import write_golden
from feilun.bundles.registry import next_version
from feilun.compression.compressed import Compressed
from feilun.core.corpus import Corpus
from feilun.core.errors import BundleError, GateNotMet
from feilun.core.files import write_json, write_text
from feilun.core.remark import Remark, joined
from feilun.core.report import Report
from feilun.core.settings import to_table
from feilun.core.spans import differences
from feilun.core.splits import Splits
from feilun.evaluation.presentation.card import model_card
from feilun.models.bases.base import Base
from feilun.training.stopping import lower_is_better
from feilun.workflow.confidential import without_places
from feilun.workflow.profile import with_reference
from feilun.workflow.recipe import Recipe
from feilun.workflow.run import Run, libraries

COMPARED_ROWS, COMPARED_ANSWERS = 64, 8
"""Test rows of which a reopened bundle is asked again; fewer where it is a language model, which takes its time."""

LARGEST_DIFFERENCE = 1e-3


def check_gate(report: Report, gate: Mapping[str, float], folder: Path) -> None:
    """Refuse a release that misses a bound.

    Args:
        report: The judgement on the test rows.
        gate: Bound by metric: a lower one, or an upper one for losses.
        folder: The run's folder, for the message.

    Raises:
        GateNotMet: With every bound that is missed.
    """
    missed = []
    for metric, bound in gate.items():
        if metric not in report.metrics:
            missed.append(
                Remark(
                    f"{metric} is not defined on these rows, the gate wants {bound:g}",
                    f"{metric} 在这些行上没有定义，门槛要求 {bound:g}",
                )
            )
            continue
        value = report.value(metric)
        if value > bound if lower_is_better(metric) else value < bound:
            missed.append(
                Remark(
                    f"{metric} is {value:.4f}, the gate wants {bound:g}", f"{metric} 为 {value:.4f}，门槛要求 {bound:g}"
                )
            )
    if missed:
        said = joined(missed)
        raise GateNotMet(
            Remark(
                f"The release is refused: {said} (on {report.n} test rows).",
                f"拒绝发布：{said.chinese}（{report.n} 条测试行）。",
            ),
            Remark(
                f"No bundle was written; report and plots are in {folder}. More or cleaner rows, another base, or "
                "another [gate] would let it pass.",
                f"没有写入模型包；报告和图在 {folder}。要通过门槛，可以增加或清理数据、换一个基座，或者修改 [gate]。",
            ),
        )


def publish(
    small: Compressed, report: Report, splits: Splits, recipe: Recipe, run: Run, base: Base, out: Path | None
) -> Bundle:
    """Write a bundle, reopen it, and compare its logits with those that were judged.

    Args:
        small: The compressed model with its decision.
        report: The judgement on the test rows.
        splits: For labels, profile and fingerprint.
        recipe: Stored in the manifest.
        run: Its plots go into the bundle.
        base: Named in the manifest by name and hash.
        out: The bundle's folder; without it the bundle is registered under the recipe's name.

    Returns:
        The bundle as reopened from disk.

    Raises:
        StorageError: If the disk is full; nothing half-written is left.
        BundleError: If the reopened bundle answers otherwise than what was judged.
    """
    facts = {
        "name": recipe.name,
        "task": recipe.kind,
        "languages": list(base.languages),
        "base": {"name": base.name, "sha256": base.sha256, "licence": base.licence},
        "recipe": without_places(to_table(recipe)),
        "fingerprints": {"data": splits.fingerprint, "base": base.sha256},
    }
    return release(small, report, splits, facts, out or next_version(recipe.name))


def release(small: Compressed, report: Report, splits: Splits, facts: Mapping[str, Any], path: Path) -> Bundle:
    """Write a bundle, reopen it, and compare its logits with those that were judged.

    Args:
        small: The compressed model with its decision.
        report: The judgement on the test rows.
        splits: For labels and profile.
        facts: What the manifest says of its origin: name, task, languages, base, recipe, fingerprints.
        path: The bundle's folder.

    Returns:
        The bundle as reopened from disk; raises what `publish` raises.
    """
    facts = {**facts, **_facts(small)}
    write_bundle(path, lambda folder: _write_files(folder, small, report, splits, facts), facts)
    bundle = open_bundle(path)
    compared = COMPARED_ANSWERS if isinstance(small.runtime, Generator) else COMPARED_ROWS
    refuse_unless_equal(bundle, small, splits.test.select(range(min(compared, len(splits.test)))))
    return bundle


def _facts(small: Compressed) -> dict[str, Any]:
    """Return what the manifest says of the model itself, and of how it was made."""
    runtime = small.runtime
    return {
        **small.facts,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "form": small.form,
        "precision": small.precision,
        "max_tokens": runtime.encoder.max_tokens,
        "prefix": runtime.encoder.prefix,
        "pair_prefix": runtime.encoder.pair_prefix,
        "pad_id": runtime.pad_id,
        "batch_tokens": small.batch_tokens(),
        "libraries": libraries(),
    }


def _write_files(folder: Path, small: Compressed, report: Report, splits: Splits, facts: Mapping[str, Any]) -> None:
    """Write the files of a bundle into an empty folder."""
    runtime = small.runtime
    for name, file in small.files.items():
        shutil.copyfile(file, folder / name)
    for name, table in small.tables.items():
        write_json(folder / name, table)
    runtime.encoder.tokenizer.no_padding()
    runtime.encoder.tokenizer.no_truncation()
    write_text(folder / "tokenizer.json", runtime.encoder.tokenizer.to_str())
    write_json(folder / "labels.json", list(splits.labels.names))
    write_json(folder / "calibration.json", asdict(runtime.decision))
    write_json(folder / "preparation.json", to_table(runtime.cleaning))
    if runtime.features is not None:
        write_json(folder / FEATURES, runtime.features.to_table())
    write_golden(folder, runtime)
    write_json(folder / "profile.json", with_reference(runtime, splits, str(facts["task"])))
    write_json(folder / "report.json", report.to_json())
    write_text(folder / "CARD.md", model_card(facts, report, splits.report))


def refuse_unless_equal(bundle: Bundle, small: Compressed, corpus: Corpus) -> None:
    """Compare what the reopened bundle says with what was judged.

    Raises:
        BundleError: If they differ.
    """
    difference = float(differences(bundle.predictor.logits(corpus), small.logits(corpus)).max(initial=0))
    if difference > LARGEST_DIFFERENCE:
        raise BundleError(
            Remark(
                f"The reopened bundle {bundle.path} answers otherwise than what was judged, by {difference:.4f}.",
                f"重新打开的模型包 {bundle.path} 与评判过的回答不同，相差 {difference:.4f}。",
            ),
            Remark(
                "Do not use it; run the training again, and look at the disk.", "请不要使用它；请重新训练，并检查磁盘。"
            ),
        )
