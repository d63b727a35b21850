"""`feilun evaluate`: a bundle is judged on any table with labels."""

from __future__ import annotations

from typing import Annotated

from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import argument, option
from feilun.interfaces.cli.options import AsJson, BundleName, CostError, CostReview, TargetColumn, TextColumn, Threads

EXAMPLES = (
    "feilun evaluate out/model test.csv",
    "feilun evaluate out/model test.csv --slice channel --json",
)


def evaluate(
    bundle: BundleName,
    data: Annotated[
        str,
        argument(
            "A table with labels: csv, tsv, jsonl, parquet, xlsx, or a database URL.",
            "带标签的表格：csv、tsv、jsonl、parquet、xlsx，或数据库 URL。",
            show_default=False,
        ),
    ],
    text: TextColumn = None,
    target: TargetColumn = None,
    query: Annotated[
        str | None, option("The SQL query, where the data is a database URL.", "数据是数据库 URL 时的 SQL 查询。")
    ] = None,
    slices: Annotated[
        list[str] | None,
        option(
            "Break the report down by a column; may be given again.",
            "按这一列把报告分开统计；可以重复给出。",
            "--slice",
            metavar="COLUMN",
        ),
    ] = None,
    cost_error: CostError = None,
    cost_review: CostReview = None,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Judge a bundle on a table with labels.

    The figures carry 95 % intervals; texts on which the bundle declines to decide are counted as such.

    用带标签的表格评估模型包。

    各项指标附 95% 置信区间；模型包拒绝判断的文本单独计数。
    """
    from feilun.bundles.bundle import open_bundle
    from feilun.workflow.finished.evaluate_file import evaluate_file

    opened = open_bundle(bundle, threads=threads)
    report = evaluate_file(
        opened, data, text=text, target=target, query=query, slices=slices or [],
        cost_error=cost_error, cost_review=cost_review,
    )  # fmt: skip
    if as_json:
        output.print_json(report.to_json())
        return
    from feilun.evaluation.presentation.terminal import render

    output.result_console().print(render(report, output.language()))
