"""One judge for every predictor: a torch model, an int8 bundle, a baseline, a remote service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from feilun.core.corpus import Corpus
from feilun.core.errors import DataError, UsageError
from feilun.core.ports import Predictor
from feilun.core.remark import Remark
from feilun.core.report import Report
from feilun.evaluation.judges.request import ReportRequest, checked, some
from feilun.evaluation.judges.table import JUDGES
from feilun.evaluation.presentation.remarks import remarks


def evaluate(
    predictor: Predictor,
    corpus: Corpus,
    *,
    slices: Sequence[str] = (),
    baselines: Mapping[str, Predictor] | None = None,
    resamples: int = 1000,
    seed: int = 13,
    cost_error: float | None = None,
    cost_review: float | None = None,
) -> Report:
    """Judge a predictor on rows whose targets are known; its predictions tell for which task.

    Args:
        predictor: What is judged, exactly as it will be served.
        corpus: Rows with targets.
        slices: Columns to break the figures down by: features, or `length`, `language`, `time`, `group`.
        baselines: Predictors to judge on the same rows, by name.
        resamples: Bootstrap resamples behind the intervals; 0 gives none.
        seed: Seed of the resamples.
        cost_error: Cost of one wrong decision; with `cost_review`, the report says what the decisions cost.
        cost_review: Cost of one text read by a person.

    Returns:
        The report.

    Raises:
        DataError: If there are no rows, a row has no target, or a target is not among the predictor's labels.
        UsageError: If a slice names no column, or just one of the costs is given.
    """
    if (cost_error is None) != (cost_review is None):
        raise UsageError(
            Remark(
                "The cost of an error and the cost of a review go together; only one was given.",
                "错误的代价和复核的代价要一起给出；现在只给了一个。",
            ),
            Remark("Give both.", "请两个都给出。"),
        )
    _check_targets(corpus)
    example = checked(predictor, corpus.select([0]))[0]
    asked = ReportRequest(example, slices, baselines or {}, resamples, seed, cost_error, cost_review)
    report = replace(JUDGES[example.task].report(predictor, corpus, asked), task=example.task)
    both = zip(remarks(report, "en"), remarks(report, "zh"), strict=True)
    return replace(report, notes=[Remark(english, chinese) for english, chinese in both])


def _check_targets(corpus: Corpus) -> None:
    """Refuse rows that there is nothing to judge against."""
    if len(corpus) == 0:
        raise DataError(
            Remark("There are no rows to judge on.", "没有可供评估的行。"),
            Remark("Give a file with at least one row and its label.", "请给出至少有一行数据及其标签的文件。"),
        )
    if corpus.target is None:
        raise DataError(
            Remark("The rows have no targets, so there is nothing to judge against.", "这些行没有目标，无从评估。"),
            Remark("Name the target column.", "请指明目标列。"),
        )
    missing = [i for i, target in enumerate(corpus.target) if _absent(target)]
    if missing:
        named = some([str(corpus.id[i]) for i in missing])
        raise DataError(
            Remark(
                f"{len(missing)} of {len(corpus)} rows have no target: {named}.",
                f"{len(corpus)} 行中有 {len(missing)} 行没有目标：{named.chinese}。",
            ),
            Remark("Fill the target in, or leave these rows out.", "请填上目标，或去掉这些行。"),
        )


def _absent(target: Any) -> bool:
    return target is None or target == "" or target != target  # NaN alone differs from itself
