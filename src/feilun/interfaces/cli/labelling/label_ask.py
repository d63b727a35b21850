"""`feilun label ask`: labels suggested by a large model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from feilun.core.remark import Remark, said_in
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import argument, option
from feilun.interfaces.cli.labelling.label_errors import TextColumn
from feilun.interfaces.cli.options import AsJson

EXAMPLES = (
    "feilun label ask texts.csv --endpoint http://localhost:8000/v1 --model qwen --labels good,bad --out asked.csv",
)


def ask(
    table: Annotated[
        str,
        argument(
            "The texts: csv, tsv, jsonl, parquet, xlsx.", "文本：csv、tsv、jsonl、parquet、xlsx。", show_default=False
        ),
    ],
    endpoint: Annotated[
        str,
        option(
            "Address of an OpenAI-compatible service, up to /v1.",
            "兼容 OpenAI 的服务地址，写到 /v1 为止。",
            show_default=False,
        ),
    ],
    model: Annotated[str, option("The model's name there.", "模型在该服务上的名称。", show_default=False)],
    labels: Annotated[
        str | None,
        option(
            "The labels, with commas between; else those of --target.", "标签，用逗号分隔；默认取 --target 列中的标签。"
        ),
    ] = None,
    target: Annotated[
        str | None, option("Column of labels that people gave, in some rows.", "人工标签列，只有部分行有值也可以。")
    ] = None,
    text: TextColumn = None,
    tell: Annotated[
        str,
        option("What else the model should know, such as what a label means.", "模型还应知道什么，例如标签的含义。"),
    ] = "",
    count: Annotated[int, option("Most answers to fetch.", "最多获取多少个回答。", min=1)] = 100,
    most_tokens: Annotated[
        int | None, option("Tokens after which none is fetched.", "词元用量达到这个数后不再获取。", min=1)
    ] = None,
    sample: Annotated[
        int,
        option(
            "Texts with a person's label to measure the agreement by.", "用多少条有人工标签的文本衡量一致程度。", min=0
        ),
    ] = 50,
    price: Annotated[
        float | None,
        option("Price of a million tokens, to say what it cost.", "每百万词元的价格，用来计算费用。", min=0),
    ] = None,
    out: Annotated[
        Path | None,
        option(
            "Write the rows with the suggestions: .csv, .tsv, .jsonl, .parquet.",
            "把各行连同建议写到文件：.csv、.tsv、.jsonl、.parquet。",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask a large model for labels; personal data is replaced first, and every answer is checked and remembered.

    Texts go to the service that you name. The same command goes on where it was stopped, and asks nothing twice.
    OPENAI_API_KEY is sent where it is set.

    请大模型打标签；个人信息先被替换，每个回答都经过检查并保存下来。

    文本会发送到指定的服务。中断后用同一条命令接着做，问过的不会再问。设置了 OPENAI_API_KEY 时会一并发送。
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
