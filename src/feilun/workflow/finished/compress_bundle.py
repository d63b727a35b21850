"""A finished bundle made smaller or faster: a new bundle, judged beside the old one on the same rows."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from feilun.bundles.bundle import Bundle, check_target
from feilun.bundles.cascade import Cascade
from feilun.bundles.content import ADAPTER_FORM
from feilun.bundles.generator import Generator
from feilun.bundles.registry import next_version
from feilun.bundles.runtime import Runtime
from feilun.compression.compress import compress_runtime
from feilun.compression.settings import CompressionSettings, Precision
from feilun.compression.vocabulary import trim_runtime
from feilun.core import settings as core_settings
from feilun.core.corpus import Corpus
from feilun.core.decisions.multitask import MultitaskDecision
from feilun.core.errors import UsageError
from feilun.core.remark import Remark, joined, said_in
from feilun.core.splits import Splits
from feilun.data.multitask import TaskRows, prepare_tasks
from feilun.data.prepare import prepare
from feilun.data.settings import DataSettings
from feilun.data.unlabelled import unlabelled_texts
from feilun.evaluation.presentation.remarks import BEFORE
from feilun.evaluation.settings import EvaluationSettings
from feilun.workflow.finished.evaluate_file import data_settings
from feilun.workflow.judge import judge_compressed
from feilun.workflow.publish import check_gate, release
from feilun.workflow.screen import Screen, silent

MANIFEST_FACTS = ("name", "task", "languages", "base", "recipe", "fingerprints")


@dataclass(frozen=True)
class Rows:
    """Where the rows are that a bundle is compressed with.

    Args:
        train: The table that it was trained on.
        validation: Rows to choose by; else those that its recipe split off from `train`.
        test: Rows to judge by; else likewise.
        unlabelled: Further texts for a student.
        text: The column of texts; else the one trained on.
        target: The column of labels; else the one trained on.
    """

    train: str
    validation: str | None = None
    test: str | None = None
    unlabelled: str | None = None
    text: str | None = None
    target: str | None = None


def wanted(bundle: Bundle, changes: Mapping[str, Any]) -> CompressionSettings:
    """Return how a bundle's recipe compresses, with some settings changed.

    Args:
        bundle: The bundle.
        changes: New values by key of `[compression]`; None keeps the recipe's.

    Raises:
        UsageError: If a value is not valid.
    """
    own = bundle.manifest.get("recipe", {}).get("compression", {})
    table = {**own, **{key: value for key, value in changes.items() if value is not None}}
    settings, faults = core_settings.read(CompressionSettings, table, "compression")
    if settings is None:
        raise UsageError(joined([fault.message for fault in faults], " ", ""))
    return settings


def compress_bundle(
    bundle: Bundle,
    rows: Rows,
    settings: CompressionSettings,
    *,
    languages: Sequence[str] = (),
    out: Path | None = None,
    screen: Screen = silent,
) -> Bundle:
    """Compress a finished bundle.

    Args:
        bundle: The bundle; it stays as it is.
        rows: The rows that it was trained on, chosen by and judged by.
        settings: What is wanted, and what it may cost.
        languages: Trim the vocabulary to these; none keeps it.
        out: The new bundle's folder; without it the bundle is registered as the next version.
        screen: What the user sees meanwhile.

    Returns:
        The new bundle; its report has the old one among the baselines.

    Raises:
        UsageError: If the bundle is a cascade or a student already or of a task that has none, the rows are not those
            that it was trained on, or nothing would change.
        GateNotMet: If the gate of the bundle's recipe is missed.
    """
    if out is not None:
        check_target(out)
    runtime = _compressible(bundle, settings)
    read, _ = core_settings.read(EvaluationSettings, bundle.manifest["recipe"].get("evaluation", {}))
    evaluation = read or EvaluationSettings()
    splits, further = _rows(bundle, rows, evaluation.slices)
    screen.show_data(splits)
    with tempfile.TemporaryDirectory() as place:
        folder, source, remarks = Path(place), runtime, []
        if languages:
            source, remark = trim_runtime(source, bundle.name, languages, _everything(splits), folder)
            remarks.append(remark)
        precision: Precision = bundle.manifest["precision"]
        small = compress_runtime(source, precision, splits, settings, folder, further)
        if small.form == "model" and small.runtime is runtime:
            reason = joined(small.remarks, " ", "") or Remark(f"it is {precision} already.", f"它已经是 {precision}。")
            raise UsageError(
                Remark(
                    f"Nothing of {bundle.name} can be made smaller: {reason}",
                    f"{bundle.name} 没有可以再缩小的地方：{said_in('zh', reason)}",
                ),
                Remark(
                    "Ask for a cascade or a student, or trim its vocabulary (--language).",
                    "可以做级联或学生，或者裁剪词表（--language）。",
                )
                if bundle.manifest["task"] == "classify"
                else Remark("Trim its vocabulary (--language).", "可以裁剪词表（--language）。"),
            )
        report = judge_compressed(small, splits, evaluation, {BEFORE: runtime})
        report = replace(report, notes=[*report.notes, *remarks, *small.remarks])
        screen.show_report(report)
        check_gate(report, bundle.manifest["recipe"].get("gate", {}), folder)
        return release(small, report, splits, _facts(bundle, settings), out or next_version(bundle.name))


def _facts(bundle: Bundle, settings: CompressionSettings) -> dict[str, Any]:
    """Return what the new bundle's manifest says of its origin."""
    facts: dict[str, Any] = {key: bundle.manifest[key] for key in MANIFEST_FACTS if key in bundle.manifest}
    facts["recipe"] = {**facts["recipe"], "compression": core_settings.to_table(settings)}
    facts["compressed_from"] = bundle.manifest["hash"]
    return facts


def _compressible(bundle: Bundle, settings: CompressionSettings) -> Runtime:
    """Return what runs a bundle; one that cannot be made smaller is refused.

    Raises:
        UsageError: If it is an adapter, writes answers, is a cascade or a student, or is to become one for a task
            that has none.
    """
    if bundle.manifest.get("form") == ADAPTER_FORM:
        raise UsageError(
            Remark(
                f"The bundle {bundle.path} holds an adapter alone: there is nothing to make smaller.",
                f"模型包 {bundle.path} 只含适配器，没有可以缩小的。",
            ),
            Remark(
                f"Merge it with its base first: feilun models fold {bundle.path}",
                f"请先把它与基座合并：feilun models fold {bundle.path}",
            ),
        )
    if isinstance(bundle.predictor, Generator):
        raise UsageError(
            Remark(
                f"The bundle {bundle.path} writes answers; such bundles are made small when they are trained.",
                f"模型包 {bundle.path} 写答案；这类模型包在训练时就压缩好。",
            ),
            Remark(
                "Train it again with --set compression.quantize=int8.",
                "请加上 --set compression.quantize=int8 重新训练。",
            ),
        )
    if isinstance(bundle.predictor, Cascade) or bundle.manifest.get("form", "model") == "student":
        raise UsageError(
            Remark(
                f"The bundle {bundle.path} is a {bundle.manifest['form']} already.",
                f"模型包 {bundle.path} 已经是 {bundle.manifest['form']}。",
            ),
            Remark("Compress the one that it came from.", "请压缩它由之而来的那个模型包。"),
        )
    if settings.form != "model" and bundle.manifest["task"] != "classify":
        raise UsageError(
            Remark(
                f"The bundle {bundle.path} is of the task {bundle.manifest['task']}; a student gives texts one label.",
                f"模型包 {bundle.path} 的任务是 {bundle.manifest['task']}；学生只能给文本一个标签。",
            ),
            Remark("Leave --cascade and --student out.", "请去掉 --cascade 和 --student。"),
        )
    _check_features(bundle, settings)
    return bundle.predictor


def _check_features(bundle: Bundle, settings: CompressionSettings) -> None:
    """Refuse what cannot be made of a model that reads features.

    Raises:
        UsageError: If it reads no text, or a student is to read its texts alone.
    """
    if bundle.predictor.features is None:
        return
    if not bundle.columns.text:
        raise UsageError(
            Remark(
                f"The bundle {bundle.path} reads features alone: it is small as it is.",
                f"模型包 {bundle.path} 只读特征列：它本来就很小。",
            )
        )
    if settings.form != "model":
        raise UsageError(
            Remark(
                f"The bundle {bundle.path} reads features beside the text; a student reads texts alone.",
                f"模型包 {bundle.path} 在文本之外还读特征列；学生只读文本。",
            ),
            Remark("Leave --cascade and --student out.", "请去掉 --cascade 和 --student。"),
        )


def _rows(bundle: Bundle, rows: Rows, slices: Sequence[str]) -> tuple[Splits, list[str]]:
    """Read and split the rows as the bundle's recipe did, and the texts without labels."""
    splits, settings = _prepared(bundle, rows, slices)
    same = splits.fingerprint == bundle.manifest.get("fingerprints", {}).get("data")
    if not same and (rows.validation is None or rows.test is None):
        raise UsageError(
            Remark(
                f"The rows are not those that {bundle.name} was trained on: split anew, it would be judged by rows "
                "that it learned from.",
                f"这些行不是训练 {bundle.name} 时用的：重新切分的话，就会用它学过的行来评判它。",
            ),
            Remark(
                "Give the file that it was trained on, or also rows that it has not seen: --validation and --test.",
                "请给出当时训练用的文件，或者另外给出它没见过的行：--validation 和 --test。",
            ),
        )
    if set(splits.labels.names) != set(bundle.labels.names):
        differing = sorted(set(splits.labels.names) ^ set(bundle.labels.names))
        raise UsageError(
            Remark(
                f"The labels of the rows are not those of {bundle.name}: {', '.join(map(repr, differing[:5]))} stand "
                "in one of the two only.",
                f"这些行的标签与 {bundle.name} 的不同：{'、'.join(map(repr, differing[:5]))} 只出现在其中一边。",
            ),
            Remark("Give the rows that it was trained on.", "请给出当时训练用的行。"),
        )
    return replace(splits, labels=bundle.labels), unlabelled_texts(settings, splits)


def _prepared(bundle: Bundle, rows: Rows, slices: Sequence[str]) -> tuple[Splits, DataSettings]:
    """Read and split the rows, and say how they were read; of several tasks, how those of the first were.

    Raises:
        UsageError: If several tasks learned from several tables, of which one alone can be named.
    """

    def settings_of(task: str | None = None) -> DataSettings:
        table = data_settings(bundle, rows.train, text=rows.text, target=rows.target, slices=slices, name=task)
        return replace(table, validation=rows.validation, test=rows.test, unlabelled=rows.unlabelled)

    decision = bundle.predictor.decision
    if not isinstance(decision, MultitaskDecision):
        settings = settings_of()
        return prepare(settings, task=decision.task if bundle.pair is None else str(bundle.manifest["task"])), settings
    learned_from = {own["data"]["train"] for own in bundle.manifest["recipe"]["tasks"].values()}
    if len(learned_from) > 1:
        raise UsageError(
            Remark(
                f"The tasks of {bundle.name} learned from tables of their own, and one table can be given here.",
                f"{bundle.name} 的各个任务学自各自的表格，而这里只能给出一个表格。",
            ),
            Remark(
                "Train it again with --set compression.quantize=int8, which makes it small at once.",
                "请加上 --set compression.quantize=int8 重新训练，训练时即会压缩。",
            ),
        )
    if rows.target is not None:
        tasks = len(decision.tasks)
        raise UsageError(
            Remark(
                f"{bundle.name} has {tasks} tasks, each with its own column of answers: --target names one.",
                f"{bundle.name} 有 {tasks} 个任务，各有自己的答案列，而 --target 只能指定一列。",
            ),
            Remark("Leave --target out.", "请去掉 --target。"),
        )
    read = [TaskRows(own.name, own.task, settings_of(own.name)) for own in decision.tasks]
    return prepare_tasks(read), read[0].data


def _everything(splits: Splits) -> Corpus:
    parts = (splits.train, splits.validation, splits.test)
    pairs = [pair for part in parts for pair in part.pair or ()]
    texts = [text for part in parts for text in part.text]
    features = {name: [cell for part in parts for cell in part.features[name]] for name in splits.train.features}
    return Corpus(id=[str(i) for i in range(len(texts))], text=texts, pair=pairs or None, features=features)
