"""`feilun label errors`: which labels are probably wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from feilun.core.remark import Remark, said_in
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import argument, option
from feilun.interfaces.cli.options import AsJson

if TYPE_CHECKING:
    from feilun.workflow.labelling.errors import LabelErrors

EXAMPLES = ("feilun label errors reviews.csv --out doubtful.csv",)

Source = Annotated[
    str, argument("A classify recipe, or a table with labels.", "classify 配方，或带标签的表格。", show_default=False)
]
TextColumn = Annotated[
    str | None, option("Column of the texts; else the one that looks like it.", "文本列；默认取最像的一列。")
]
LabelColumn = Annotated[
    str | None, option("Column of the labels; else the one that looks like it.", "标签列；默认取最像的一列。")
]
BaseName = Annotated[
    str | None,
    option(
        "Base that reads the texts, or `words`; else the recipe's or the one that fits.",
        "读文本的基座，或 `words`；默认用配方里的，或适合的一个。",
    ),
]

WORST = (
    Remark("row", "行"),
    Remark("given", "原标签"),
    Remark("suggested", "建议"),
    Remark("confidence", "置信度"),
    Remark("text", "文本"),
)
PER_LABEL = (
    Remark("label", "标签"),
    Remark("rows", "行数"),
    Remark("called wrong", "疑似有误"),
    Remark("noise", "噪声"),
    Remark("missing", "遗漏"),
)
SHOWN = 60
LABELS_SHOWN = 10


def errors(
    source: Source,
    text: TextColumn = None,
    label: LabelColumn = None,
    base: BaseName = None,
    folds: Annotated[
        int,
        option(
            "Models to fit, each on all rows but its own.",
            "把行分成几折；每一折由在其余各折上拟合的模型预测。",
            min=2,
            max=50,
        ),
    ] = 5,
    seed: Annotated[int, option("Deals the rows into folds.", "分折用的随机种子。", min=0)] = 13,
    count: Annotated[int, option("How many of the worst to show.", "显示最可疑的多少行。", min=0)] = 20,
    out: Annotated[
        Path | None,
        option("Write all that are called wrong here: .csv or .json.", "把所有可疑的行写到这里：.csv 或 .json。"),
    ] = None,
    kept: Annotated[
        Path | None,
        option(
            "Write the other rows here: .csv, .tsv, .jsonl, .parquet.",
            "把其余的行写到这里：.csv、.tsv、.jsonl、.parquet。",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find labels that are probably wrong, by predictions of models that had not seen the rows.

    The base reads each text once; a light classifier is fitted on all folds but one and predicts that one.

    找出很可能有误的标签，依据是没有见过这些行的模型的预测。

    基座把每条文本读一遍；轻量的分类器每次用其余各折拟合，预测剩下的一折。
    """
    from feilun.workflow.finished.predict_file import WRITERS
    from feilun.workflow.labelling.errors import label_errors, write_errors, write_kept
    from feilun.workflow.labelling.labelled_texts import check_out, place_of

    check_out(out, (".csv", ".json"), source)
    check_out(kept, WRITERS, source)
    found = label_errors(place_of(source, text, label, base), folds, seed)
    if out is not None:
        write_errors(found, out)
    left = write_kept(found, kept) if kept is not None else None
    if as_json:
        output.print_json({**found.to_json(count), **({} if left is None else {"kept": left})})
        return
    _show(found, count)
    if out is not None:
        output.tell(
            Remark(
                f"{len(found.wrong()):,} rows: {out}. Fill in the right label in the column label.",
                f"{len(found.wrong()):,} 行：{out}。请在 label 列里填写正确的标签。",
            )
        )
    if left is not None:
        output.tell(Remark(f"{left:,} rows without them: {kept}", f"去掉它们之后的 {left:,} 行：{kept}"))


def _show(found: LabelErrors, count: int) -> None:
    from rich.text import Text

    wrong = found.wrong()
    share = len(wrong) / max(1, len(found.corpus))
    rows = len(found.corpus)
    output.tell(
        Remark(
            f"{len(wrong):,} of {rows:,} labels are called wrong ({share:.1%}); read by {found.read_by}.",
            f"{rows:,} 个标签中有 {len(wrong):,} 个疑似有误（{share:.1%}）；由{said_in('zh', found.read_by)}读取。",
        ),
        *found.notes(),
    )
    console = output.result_console()
    worst = output.table(*WORST)
    for row in wrong[:count].tolist():
        line = found.line(row)
        text = " ".join(line["text"].split())
        shown = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
        worst.add_row(
            line["row"], Text(line["given"]), Text(line["suggested"]), f"{line['confidence']:.3f}", Text(shown)
        )
    if len(wrong) and count:
        console.print(worst)
    table = output.table(*PER_LABEL)
    for one in found.per_label()[:LABELS_SHOWN]:
        table.add_row(Text(one["label"]), f"{one['rows']:,}", f"{one['called_wrong']:,}", f"{one['noise']:.1%}",
                      f"{one['missing']:.1%}")  # fmt: skip
    console.print(table)
