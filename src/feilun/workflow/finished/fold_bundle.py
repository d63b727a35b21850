"""An adapter bundle becomes a whole one, which stands on no base: faster where it is served alone, easy to hand on."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from feilun.bundles.adapter_runtime import AdapterFiles
from feilun.bundles.base_graphs import GRAPH, find
from feilun.bundles.bundle import Bundle, check_target, open_bundle, write_bundle
from feilun.bundles.content import ADAPTER_FORM, MANIFEST
from feilun.bundles.generator import Generator
from feilun.bundles.golden import GOLDEN, write_golden
from feilun.bundles.registry import next_version
from feilun.bundles.runtime import Runtime
from feilun.bundles.session import open_session
from feilun.compression.graphs.fold import folded_graph
from feilun.core.errors import BundleError, UsageError
from feilun.core.files import write_json, write_text
from feilun.core.remark import Remark

LARGEST_DIFFERENCE = 1e-5
"""Between what adapter and base give and what the whole model gives, as a share of the largest above 1."""

LENGTHS = (1, 2, 3, 7, 20, 60)
"""Tokens of the made rows on which the two are compared."""

MODEL = "model.onnx"


def fold_bundle(bundle: Bundle, out: Path | None = None) -> Bundle:
    """Merge an adapter bundle with its base.

    Args:
        bundle: The bundle; it stays as it is.
        out: The whole bundle's folder; without it the bundle is registered as the next version.

    Returns:
        The whole bundle in float32, reopened; its report is the old one's, with a note.

    Raises:
        UsageError: If the bundle is whole already.
        BundleError: If its base's graph is missing, or the whole model answers otherwise; nothing is written then.
    """
    if bundle.manifest.get("form") != ADAPTER_FORM:
        raise UsageError(
            Remark(
                f"The bundle {bundle.path} is whole already: it stands on no base that others share.",
                f"模型包 {bundle.path} 已经是完整的：它没有与别人共用的基座。",
            )
        )
    if out is not None:
        check_target(out)
    graph = find(bundle.manifest, bundle.path, "float32")
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / MODEL
        onnx.save(folded_graph(graph, AdapterFiles.of(bundle.path)), file)
        whole = bundle.predictor.like(file, opener=open_session)
        refuse_unless_equal(bundle.predictor.like(graph), whole)
        path = out or next_version(bundle.name)
        write_bundle(path, lambda folder: _write(bundle, whole, folder), _facts(bundle.manifest))
    return open_bundle(path, threads=bundle.predictor.threads)


def refuse_unless_equal(apart: Runtime | Generator, whole: Runtime | Generator) -> None:
    """Compare two forms of one model on made rows.

    Raises:
        BundleError: If their numbers differ by more than rounding.
    """
    random = np.random.default_rng(0)
    size, longest = whole.encoder.tokenizer.get_vocab_size(), whole.encoder.max_tokens
    rows = [random.integers(0, size, min(length, longest)).tolist() for length in LENGTHS]
    width = 0 if whole.features is None else whole.features.width
    features = random.normal(size=(len(rows), width)).astype(np.float32) if width else None
    wanted, found = (one.logits_of(rows, features) for one in (apart, whole))
    difference = float(np.abs(wanted - found).max(initial=0))
    if not difference <= LARGEST_DIFFERENCE * max(1.0, float(np.abs(wanted).max(initial=0))):
        raise BundleError(
            Remark(
                f"The folded model answers otherwise than the adapter on its base, by {difference:.2g}.",
                f"合并后的模型与适配器加基座的回答不同，相差 {difference:.2g}。",
            ),
            Remark(
                "Nothing was written. This is a fault of Feilun: please report the base.",
                "没有写入任何文件。这是飞轮的缺陷：请报告这个基座。",
            ),
        )


def _facts(manifest: Mapping[str, Any]) -> dict[str, Any]:
    own = {key: value for key, value in manifest.items() if key not in {"schema", "files", "hash", GRAPH}}
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return {**own, "form": "model", "precision": "fp32", "created": created, "folded_from": manifest["hash"]}


def _write(bundle: Bundle, whole: Runtime | Generator, folder: Path) -> None:
    """Write the files of the whole bundle: the old one's, but for the model and what proves it."""
    replaced = {*AdapterFiles.of(bundle.path).by_name(), GOLDEN, MANIFEST}
    for name in set(bundle.manifest["files"]) - replaced:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle.path / name, folder / name)
    shutil.copyfile(whole.model, folder / MODEL)
    write_golden(folder, whole)
    before, plain = bundle.manifest["hash"][:12], bundle.manifest["precision"] == "fp32"
    note = Remark(
        f"Folded from the adapter bundle {before}, which was the one that was judged"
        + ("." if plain else ", on its base in int8; this one is float32."),
        f"由适配器模型包 {before} 合并而来，评测的是它" + ("。" if plain else "（底座为 int8）；本模型包为 float32。"),
    )
    write_json(folder / "report.json", replace(bundle.report, notes=[*bundle.report.notes, note]).to_json())
    card = (folder / "CARD.md").read_text(encoding="utf-8").rstrip()
    write_text(folder / "CARD.md", f"{card}\n\n{note}\n")
