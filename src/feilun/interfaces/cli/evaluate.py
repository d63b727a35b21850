"""`feilun evaluate`: a bundle is judged on any table with labels."""

from __future__ import annotations

from typing import Annotated

import typer

from feilun.interfaces.cli import output
from feilun.interfaces.cli.options import AsJson, CostError, CostReview, Threads

EXAMPLES = (
    "feilun evaluate out/model test.csv",
    "feilun evaluate out/model test.csv --slice channel --json",
)


def evaluate(
    bundle: Annotated[str, typer.Argument(help="A bundle: its folder, its name, or name@version.", show_default=False)],
    data: Annotated[
        str,
        typer.Argument(
            help="A table with labels: csv, tsv, jsonl, parquet, xlsx, or a database URL.", show_default=False
        ),
    ],
    text: Annotated[str | None, typer.Option(help="Its column of texts; else the one trained on.")] = None,
    target: Annotated[str | None, typer.Option(help="Its column of labels; else the one trained on.")] = None,
    query: Annotated[str | None, typer.Option(help="The SQL query, where the data is a database URL.")] = None,
    slices: Annotated[
        list[str] | None,
        typer.Option("--slice", metavar="COLUMN", help="Break the report down by a column; may be given again."),
    ] = None,
    cost_error: CostError = None,
    cost_review: CostReview = None,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Judge a bundle on a table with labels.

    The figures carry 95 % intervals; texts on which the bundle declines to decide are counted as such.
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
