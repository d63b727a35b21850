"""`feilun label ask`: labels suggested by a large model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from feilun.core.remark import Remark, said_in
from feilun.interfaces.cli import output
from feilun.interfaces.cli.labelling.label_errors import TextColumn
from feilun.interfaces.cli.options import AsJson

EXAMPLES = (
    "feilun label ask texts.csv --endpoint http://localhost:8000/v1 --model qwen --labels good,bad --out asked.csv",
)


def ask(
    table: Annotated[str, typer.Argument(help="The texts: csv, tsv, jsonl, parquet, xlsx.", show_default=False)],
    endpoint: Annotated[
        str, typer.Option(help="Address of an OpenAI-compatible service, up to /v1.", show_default=False)
    ],
    model: Annotated[str, typer.Option(help="The model's name there.", show_default=False)],
    labels: Annotated[str | None, typer.Option(help="The labels, with commas between; else those of --target.")] = None,
    target: Annotated[str | None, typer.Option(help="Column of labels that people gave, in some rows.")] = None,
    text: TextColumn = None,
    tell: Annotated[str, typer.Option(help="What else the model should know, such as what a label means.")] = "",
    count: Annotated[int, typer.Option(min=1, help="Most answers to fetch.")] = 100,
    most_tokens: Annotated[int | None, typer.Option(min=1, help="Tokens after which none is fetched.")] = None,
    sample: Annotated[int, typer.Option(min=0, help="Texts with a person's label to measure the agreement by.")] = 50,
    price: Annotated[float | None, typer.Option(min=0, help="Price of a million tokens, to say what it cost.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the rows with the suggestions: .csv, .tsv, .jsonl, .parquet.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask a large model for labels; personal data is replaced first, and every answer is checked and remembered.

    Texts go to the service that you name. The same command goes on where it was stopped, and asks nothing twice.
    OPENAI_API_KEY is sent where it is set.
    """
    from feilun.workflow.finished.predict_file import WRITERS
    from feilun.workflow.labelling.ask import Limits, ask_for_labels, endpoint_of, write_asked
    from feilun.workflow.labelling.labelled_texts import check_out

    check_out(out, WRITERS, table)
    named = [label.strip() for label in (labels or "").split(",") if label.strip()]
    limits = Limits(count, most_tokens, sample)
    helped = ask_for_labels(table, endpoint_of(endpoint, model), named, tell, limits, text, target)
    if out is not None:
        write_asked(helped, out)
    report = helped.to_json()
    if price is not None:
        report["cost"] = round(report["tokens"] * price / 1e6, 6)
    if as_json:
        output.print_json(report)
        return
    _show(report)
    if out is not None:
        output.tell(
            Remark(
                f"{report['named']:,} suggestions: {out}, in the column asked_label.",
                f"{report['named']:,} 个建议：{out}，在 asked_label 列。",
            )
        )


def _show(report: dict[str, Any]) -> None:
    cost = Remark(f", cost {report['cost']}", f"，费用 {report['cost']}") if "cost" in report else Remark("", "")
    output.tell(
        Remark(
            f"{report['asked']:,} of {report['texts']:,} texts asked about: {report['fetched']:,} answers fetched "
            f"({report['tokens']:,} tokens{cost}), "
            f"{report['remembered']:,} known from before; {report['without_a_label']:,} named none of the labels.",
            f"{report['texts']:,} 条文本中问了 {report['asked']:,} 条：取回 {report['fetched']:,} 个回答"
            f"（{report['tokens']:,} 个词元{cost.chinese}），"
            f"{report['remembered']:,} 个以前已知；{report['without_a_label']:,} 个回答不是任何一个标签。",
        )
    )
    if report["stopped"]:
        output.tell(
            Remark(
                f"Stopped: {report['stopped']}. The same command with a higher limit goes on.",
                f"已停止：{said_in('zh', report['stopped'])}。把上限调高，再运行同样的命令即可继续。",
            )
        )
    output.tell(_agreement(report["agreement_with_people"]))


def _agreement(found: dict[str, Any] | None) -> Remark:
    if found is None:
        return Remark(
            "How far it agrees with people is not known: name a column of their labels with --target.",
            "与人的一致程度未知：请用 --target 指明人工标签所在的列。",
        )
    kappa = output.figure(found["cohen_kappa"])
    return Remark(
        f"It agrees with people in {found['agree']:.1%} of {found['texts']:,} texts (Cohen's kappa "
        f"{kappa or 'not known'}).",
        f"{found['texts']:,} 条文本中有 {found['agree']:.1%} 与人一致（Cohen's kappa {kappa or '未知'}）。",
    )
