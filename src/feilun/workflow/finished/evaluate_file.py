"""A bundle judged on a table with labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from feilun.bundles.bundle import Bundle
from feilun.bundles.content import read_table
from feilun.core import settings as core_settings
from feilun.core.errors import DataError, nearest
from feilun.core.remark import Remark, said_in
from feilun.core.report import Report
from feilun.data.prepare import load_corpus
from feilun.data.readers.sources import column_names
from feilun.data.settings import DataSettings
from feilun.evaluation.evaluate import evaluate
from feilun.evaluation.slices import slice_columns
from feilun.workflow.missing_column import missing_column


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
        The report.

    Raises:
        DataError: If the table cannot be read, has no rows, or none of its labels is one of the bundle's.
    """
    task = bundle.predictor.decision.task
    settings = data_settings(bundle, source, text=text, target=target, query=query, slices=slices)
    names = column_names(source, query=query)
    _check_columns(settings, source, names, slice_columns(slices))
    settings = _without_absent(settings, source, names, needed=("group", *slices) if task == "rank" else slices)
    corpus = load_corpus(source, settings, require_target=True, task=task)
    if len(corpus) == 0:
        raise DataError(
            Remark(f"{source} has no rows to judge.", f"{source} 里没有可以评判的行。"),
            Remark("Give a table with texts and labels.", "请给出一张有文本和标签的表。"),
        )
    return evaluate(bundle.predictor, corpus, slices=slices, cost_error=cost_error, cost_review=cost_review)


def _check_columns(settings: DataSettings, source: str, names: Sequence[str], slices: Sequence[str]) -> None:
    """Refuse a table without the columns that this command may name.

    Raises:
        DataError: Naming the option.
    """
    wanted = {"--text": [settings.text] if settings.text else [], "--target": settings.targets, "--slice": slices}
    for option, columns in wanted.items():
        for name in columns:
            if name not in names:
                raise DataError(
                    missing_column(source, name, names),
                    Remark(f"Name it with {option}.", f"请用 {option} 指明。"),
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
                    f"{source} has no column {column!r}, which a report by {key} needs. {hint}",
                    f"{source} 没有列 {column!r}，而按 {key} 的报告需要它。{said_in('zh', hint)}",
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
    task: str | None = None,
) -> DataSettings:
    """Return how a further table is to be read: as the bundle's training rows were, but for what is named here.

    Of a bundle of several tasks, as those of the named `task` were.
    """
    recipe, profile = bundle.manifest.get("recipe", {}), read_table(bundle.path, "profile.json")
    if task is not None:
        recipe, profile = recipe["tasks"][task], profile["tasks"][task]
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
