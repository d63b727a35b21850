"""What runs a bundle and what was found of it, put together from its files; a damaged file is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from feilun.bundles.adapter_runtime import Adapter, AdapterFiles
from feilun.bundles.base_graphs import find
from feilun.bundles.cascade import CASCADE, STUDENT, Cascade, CascadeSettings
from feilun.bundles.content import ADAPTER_FORM, FEATURES, MANIFEST, damaged, read_table, read_value
from feilun.bundles.generator import Generator
from feilun.bundles.runtime import BATCH_TOKENS, Runtime
from feilun.bundles.session import Opener, open_session
from feilun.bundles.tokenizer_file import open_tokenizer
from feilun.core import settings
from feilun.core.decisions.table import DECISIONS, AnyDecision
from feilun.core.errors import BundleError
from feilun.core.features import FeatureColumns
from feilun.core.labels import LabelSet
from feilun.core.remark import Remark, joined, said_in
from feilun.core.report import Report
from feilun.text.clean import Cleaning
from feilun.text.tokens import TokenEncoder

Parsed = TypeVar("Parsed")


def report_of(folder: Path) -> Report:
    """Return the judgement on the test rows, as it was when the bundle was made.

    Raises:
        BundleError: If `report.json` holds no report.
    """
    return _parsed(folder, "report.json", Report.from_json, "report")


def predictor_of(folder: Path, manifest: Mapping[str, Any], threads: int | None) -> Runtime | Generator:
    """Open what runs a bundle.

    Args:
        folder: The bundle's folder, verified.
        manifest: Its manifest.
        threads: Processor threads; None uses all cores that this process may.

    Raises:
        BundleError: If a file does not hold what it should, or the task is unknown.
    """
    encoder, pad_id, batch_tokens = _reading(folder, manifest)
    model, opener = _graph(folder, manifest)
    options: dict[str, Any] = {
        "cleaning": _cleaning(folder),
        "decision": _decision(folder, manifest),
        "pad_id": pad_id,
        "threads": threads,
        "opener": opener,
    }
    labels = _labels(folder)
    if options["decision"].reads == "answers":
        return Generator(model, encoder, **options)
    options["features"] = _features(folder)
    if not (folder / CASCADE).is_file():
        return Runtime(model, encoder, labels, batch_tokens=batch_tokens, **options)
    if not (folder / STUDENT).is_file():
        raise damaged(folder, Remark(f"it is a cascade, and {STUDENT} is missing", f"它是级联，却缺少 {STUDENT}"))
    student = Runtime(folder / STUDENT, encoder, labels, batch_tokens=batch_tokens, **options)
    cascade = _parsed(folder, CASCADE, CascadeSettings.from_table, Remark("temperatures and threshold", "温度和阈值"))
    return Cascade(model, student, cascade, **options)


def _reading(folder: Path, manifest: Mapping[str, Any]) -> tuple[TokenEncoder, int, int]:
    """Return what turns texts into token ids, the id of padding, and the tokens of a batch."""
    tokenizer = open_tokenizer(folder)
    try:
        before_second = manifest.get("pair_prefix")  # bundles that read no second text apart have none
        apart = None if before_second is None else str(before_second)
        encoder = TokenEncoder(tokenizer, int(manifest["max_tokens"]), str(manifest["prefix"]), apart)
        pad_id = int(manifest["pad_id"])
        if encoder.max_tokens < 1 or not 0 <= pad_id < 2**31:
            raise ValueError("beyond what can be")
        return encoder, pad_id, max(1, int(manifest.get("batch_tokens", BATCH_TOKENS)))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise damaged(
            folder,
            Remark(
                f"{MANIFEST} lacks a valid max_tokens, prefix or pad_id",
                f"{MANIFEST} 缺少有效的 max_tokens、prefix 或 pad_id",
            ),
        ) from error


def _graph(folder: Path, manifest: Mapping[str, Any]) -> tuple[Path, Opener]:
    """Return the ONNX file that a bundle runs, and how it is opened."""
    if manifest.get("form") != ADAPTER_FORM:
        return folder / "model.onnx", open_session
    return find(manifest, folder), Adapter(AdapterFiles.of(folder)).over


def _cleaning(folder: Path) -> Cleaning:
    value, faults = settings.read(Cleaning, read_table(folder, "preparation.json"))
    if value is None or faults:
        shown = joined([fault.message for fault in faults])
        raise BundleError(
            Remark(
                f"The bundle {folder} cannot be read: preparation.json: {shown}",
                f"无法读取模型包 {folder}：preparation.json：{said_in('zh', shown)}",
            ),
            Remark("Upgrade: pip install -U feilun", "请升级：pip install -U feilun"),
        )
    return value


def _decision(folder: Path, manifest: Mapping[str, Any]) -> AnyDecision:
    task = str(manifest.get("task", "classify"))
    if task not in DECISIONS:
        raise BundleError(
            Remark(
                f"The bundle {folder} is for the task {task!r}, which this Feilun does not know.",
                f"模型包 {folder} 用于任务 {task!r}，这个版本的飞轮不认识它。",
            ),
            Remark("Upgrade: pip install -U feilun", "请升级：pip install -U feilun"),
        )
    return _parsed(
        folder, "calibration.json", DECISIONS[task].from_table, Remark("temperature and thresholds", "温度和阈值")
    )


def _labels(folder: Path) -> LabelSet:
    names = read_value(folder, "labels.json")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise damaged(
            folder, Remark("labels.json is not a list of different names", "labels.json 不是由互不相同的名称组成的列表")
        )
    return LabelSet(tuple(names))


def _features(folder: Path) -> FeatureColumns | None:
    if not (folder / FEATURES).is_file():
        return None
    return _parsed(folder, FEATURES, FeatureColumns.from_table, Remark("columns", "列"))


def _parsed(folder: Path, name: str, parse: Callable[[dict[str, Any]], Parsed], what: str) -> Parsed:
    """Return what a file's table stands for.

    Raises:
        BundleError: If it stands for nothing; the message says that the file holds no `what`.
    """
    table = read_table(folder, name)
    try:
        return parse(table)
    except (LookupError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise damaged(folder, Remark(f"{name} holds no {what}", f"{name} 里没有{said_in('zh', what)}")) from error
