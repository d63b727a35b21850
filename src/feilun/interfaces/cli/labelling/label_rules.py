"""`feilun label rules`: texts labelled by rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from feilun.core.remark import Remark, joined
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import argument, option
from feilun.interfaces.cli.labelling.label_errors import TextColumn
from feilun.interfaces.cli.options import AsJson

EXAMPLES = ("feilun label rules rules.toml texts.csv --out labelled.csv",)

HEADS = (
    Remark("rule", "规则"),
    Remark("label", "标签"),
    Remark("coverage", "覆盖"),
    Remark("overlaps", "重叠"),
    Remark("conflicts", "矛盾"),
    Remark("trusted", "可信度"),
)
RIGHT = Remark("right", "正确率")


def rules(
    file: Annotated[Path, argument("The rules, a TOML file.", "规则，TOML 文件。", show_default=False)],
    table: Annotated[
        str,
        argument(
            "The texts: csv, tsv, jsonl, parquet, xlsx.", "文本：csv、tsv、jsonl、parquet、xlsx。", show_default=False
        ),
    ],
    out: Annotated[
        Path | None,
        option(
            "Write the rows with label and probability: .csv, .tsv, .jsonl, .parquet.",
            "把各行连同标签和概率写到文件：.csv、.tsv、.jsonl、.parquet。",
        ),
    ] = None,
    text: TextColumn = None,
    minimum: Annotated[
        float, option("Probability below which a text gets no label.", "概率低于此值的文本不打标签。", min=0, max=1)
    ] = 0.0,
    target: Annotated[
        str | None,
        option(
            "Column of true labels, where some are known: says how right each rule is.",
            "真实标签列，部分行有值即可：据此说明每条规则有多准。",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Label texts by rules, each trusted as far as it agrees with the others.

    Says how many texts each rule speaks of, how often it overlaps with others and contradicts them. The rules see
    no label: --target only measures.

    按规则打标签，每条规则的可信程度取决于它与其他规则的一致程度。

    会说明每条规则涉及多少文本、与其他规则重叠和矛盾各有多少。规则看不到标签：--target 只用于衡量。
    """
    from feilun.labelling.rules import read_rules
    from feilun.workflow.finished.predict_file import WRITERS
    from feilun.workflow.labelling.labelled_texts import check_out
    from feilun.workflow.labelling.weak_supervision import label_by_rules, write_weak

    check_out(out, WRITERS, table, file)
    weak = label_by_rules(read_rules(file), table, text, minimum, target)
    if out is not None:
        write_weak(weak, out)
    report = weak.to_json()
    if as_json:
        output.print_json(report)
        return
    _show(report)
    if out is not None:
        output.tell(
            Remark(
                f'{report["labelled"]:,} rows with a label: {out}. To train on them: data.target = "weak_label".',
                f'{report["labelled"]:,} 行有标签：{out}。用它们训练：data.target = "weak_label"。',
            )
        )


def _show(report: dict[str, Any]) -> None:
    from rich.text import Text

    measured = "accuracy" in report
    table = output.table(*HEADS, *((RIGHT,) if measured else ()))
    for one in report["rules"]:
        shares = [f"{one[name]:.1%}" for name in ("coverage", "overlaps", "conflicts", "trusted")]
        right = [output.figure(one["accuracy"])] if measured else []
        table.add_row(Text(one["rule"]), Text(one["label"]), *shares, *right)
    output.result_console().print(table)
    counts = joined([f"{label} {count:,}" for label, count in report["labels"].items()], ", ", "、")
    output.tell(
        Remark(
            f"{report['labelled']:,} of {report['rows']:,} texts get a label ({counts}).",
            f"{report['rows']:,} 条文本中有 {report['labelled']:,} 条得到标签（{counts.chinese}）。",
        ),
        Remark(
            f"Rules speak of {report['coverage']:.1%} of the texts and contradict each other in "
            f"{report['conflicts']:.1%}.",
            f"规则涉及 {report['coverage']:.1%} 的文本，在 {report['conflicts']:.1%} 的文本上互相矛盾。",
        ),
    )
    if measured and report["accuracy"] is not None:
        accuracy, rows = f"{report['accuracy']:.1%}", f"{report['measured']:,}"
        output.tell(
            Remark(
                f"{accuracy} of {rows} labels are those of the table.", f"{rows} 个标签中，{accuracy} 与表里的相同。"
            )
        )
