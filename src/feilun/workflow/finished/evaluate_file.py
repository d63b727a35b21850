"""A bundle judged on a table with labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from feilun.bundles.bundle import Bundle
from feilun.bundles.content import read_table
from feilun.core import settings as core_settings
from feilun.core.corpus import Corpus
from feilun.core.errors import DataError, UsageError, meant, nearest
from feilun.core.remark import Remark, said_in
from feilun.core.report import Report
from feilun.data.multitask import together
from feilun.data.paths import no_column, shown
from feilun.data.prepare import load_corpus
from feilun.data.readers.sources import column_names
from feilun.data.settings import DataSettings
from feilun.evaluation.evaluate import evaluate
from feilun.evaluation.slices import slice_columns


def evaluate_file(
    bundle: Bundle,
    source: str,
    *,
    text: str | None = None,
    target: str | None = None,
    query: str | None = None,
    slices: Sequence[str] = (),
    cost_error: float | None = None,
    cost_review: float | None = None,
) -> Report:
    """Judge a bundle on a table with labels.

    Args:
        bundle: The bundle.
        source: A path or database URL.
        text: The column of texts; else the one that the bundle was trained on.
        target: The column of labels; else the one that it was trained on.
        query: The SQL query of a database.
        slices: Columns by whose values the report is broken down.
        cost_error: What a wrong decision costs; with `cost_review` the report says what the decisions cost.
        cost_review: What it costs when a person decides.

    Returns:
        The report; of several tasks of those whose targets the table has.

    Raises:
        UsageError: If `target` is given for a bundle of several tasks.
        DataError: If the table cannot be read, has no rows, or none of its labels is one of the bundle's.
    """
    asked = Table(source, text, target, query, slices)
    if bundle.predictor.decision.task == "multitask":
        corpus, notes = _rows_of_tasks(bundle, asked)
    else:
        corpus, notes = _rows(bundle, asked), []
    if len(corpus) == 0:
        raise DataError(
            Remark(f"{shown(source)} has no rows to judge.", f"{shown(source)} 里没有可以评判的行。"),
            Remark("Give a table with texts and labels.", "请给出一张有文本和标签的表。"),
        )
    report = evaluate(bundle.predictor, corpus, slices=slices, cost_error=cost_error, cost_review=cost_review)
    return replace(report, notes=[*report.notes, *notes])


@dataclass(frozen=True)
class Table:
    """A table to judge by, and its columns where they are not those trained on; see `evaluate_file`."""

    source: str
    text: str | None
    target: str | None
    query: str | None
    slices: Sequence[str]


def _rows(bundle: Bundle, table: Table, name: str | None = None) -> Corpus:
    """Read the rows of a table, as those of the task of that name where a model has several."""
    task = bundle.predictor.decision.task if name is None else str(_recipe(bundle)["tasks"][name]["task"])
    settings = data_settings(
        bundle, table.source, text=table.text, target=table.target, query=table.query, slices=table.slices, name=name
    )
    names = column_names(table.source, query=table.query)
    _check_columns(settings, table.source, names, slice_columns(table.slices))
    needed = ("group", *table.slices) if task == "rank" else table.slices
    settings = _without_absent(settings, table.source, names, needed)
    return load_corpus(table.source, settings, require_target=True, task=task)


def _rows_of_tasks(bundle: Bundle, table: Table) -> tuple[Corpus, list[Remark]]:
    """Read the rows of all tasks whose columns of targets a table has, and say which it lacks.

    Raises:
        UsageError: If one column is named for all of them.
        DataError: If it has none of these columns.
    """
    if table.target is not None:
        raise UsageError(
            Remark(
                f"{bundle.name} answers several tasks, each with targets of its own.",
                f"{bundle.name} 同时回答多个任务，每个任务各有自己的目标列。",
            ),
            Remark(
                "Leave --target out; name the columns as in training.", "去掉 --target；目标列的列名须与训练时相同。"
            ),
        )
    names = column_names(table.source, query=table.query)
    columns = {
        name: data_settings(bundle, table.source, query=table.query, name=name).targets
        for name in _recipe(bundle)["tasks"]
    }
    held = [name for name, own in columns.items() if set(own) <= set(names)]
    lacking = ", ".join(f"{name} ({', '.join(own)})" for name, own in columns.items() if name not in held)
    if not held:
        raise DataError(
            Remark(
                f"{shown(table.source)} has the targets of no task: it lacks the columns of {lacking}.",
                f"{shown(table.source)} 没有任何任务的目标列：缺少 {lacking}。",
            ),
            Remark("Give a table with the targets of one task at least.", "请提供至少含一个任务的目标列的表格。"),
        )
    kinds = {name: str(_recipe(bundle)["tasks"][name]["task"]) for name in held}
    corpus = together({name: _rows(bundle, table, name) for name in held}, kinds)
    if not lacking:
        return corpus, []
    return corpus, [
        Remark(
            f"Only {', '.join(held)} is judged: the table lacks the targets of {lacking}.",
            f"只评估了 {'、'.join(held)}：表格中没有 {lacking} 的目标列。",
        )
    ]


def _recipe(bundle: Bundle) -> Mapping[str, Any]:
    """Return the recipe that a bundle was trained by, as its manifest holds it."""
    recipe: Mapping[str, Any] = bundle.manifest.get("recipe", {})
    return recipe


def _check_columns(settings: DataSettings, source: str, names: Sequence[str], slices: Sequence[str]) -> None:
    """Refuse a table without the columns that this command may name.

    Raises:
        DataError: Naming the option.
    """
    wanted = {"--text": [settings.text] if settings.text else [], "--target": settings.targets, "--slice": slices}
    for option, columns in wanted.items():
        for name in columns:
            if name not in names:
                guess = meant(name, names)
                raise DataError(
                    no_column(source, name, names),
                    Remark(f"{guess} Name it with {option}.".strip(), f"{said_in('zh', guess)}请用 {option} 指明。"),
                )


def _without_absent(settings: DataSettings, source: str, names: Sequence[str], needed: Sequence[str]) -> DataSettings:
    """Return the settings without the columns that only divided the training rows, where the table lacks them.

    Raises:
        DataError: If such a column is needed.
    """
    for key, column in (("time", settings.time), ("group", settings.group)):
        if column is None or column in names:
            continue
        if key in needed:
            hint = nearest(column, names)
            raise DataError(
                Remark(
                    f"{shown(source)} has no column {column!r}, which a report by {key} needs. {hint}",
                    f"{shown(source)} 没有列 {column!r}，而按 {key} 的报告需要它。{said_in('zh', hint)}",
                ),
                Remark(
                    f"Give a table that has it, or leave out --slice {key}.",
                    f"请给出一张有这一列的表，或者去掉 --slice {key}。",
                ),
            )
        settings = replace(settings, time=None) if key == "time" else replace(settings, group=None)
    return settings


def data_settings(
    bundle: Bundle,
    source: str,
    *,
    text: str | None = None,
    target: str | None = None,
    query: str | None = None,
    slices: Sequence[str] = (),
    name: str | None = None,
) -> DataSettings:
    """Return how a further table is to be read: as the bundle's training rows were, but for what is named here.

    Of a bundle of several tasks `name` says which one's rows are meant.
    """
    recipe, profile = _recipe(bundle), read_table(bundle.path, "profile.json")
    if name is not None:
        recipe, profile = recipe["tasks"][name], profile["tasks"][name]
    trained_on = {**recipe.get("data", {}), **profile.get("read_with", {}), "train": source}
    known, _ = core_settings.read(DataSettings, trained_on)
    settings = known or DataSettings(train=source)
    return replace(
        settings.with_kept(slice_columns(slices)),
        text=text or settings.text,
        target=target or settings.target,
        query=query,
        validation=None,
        test=None,
        unlabelled=None,
    )
