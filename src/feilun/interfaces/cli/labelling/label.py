"""`feilun label`: which texts to label, and the labels that people filled in."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from feilun.core.places import typed
from feilun.core.remark import Remark, said_in
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import Verbs, argument, option
from feilun.interfaces.cli.labelling import label_ask, label_errors, label_people, label_rules, label_suggest
from feilun.interfaces.cli.options import AsJson

EXPORT = "feilun label export reviews --out queue.csv --count 200"
IMPORT = "feilun label import reviews queue.csv"

EXAMPLES = (
    *label_suggest.EXAMPLES,
    EXPORT,
    IMPORT,
    *label_people.EXAMPLES,
    *label_errors.EXAMPLES,
    *label_rules.EXAMPLES,
    *label_ask.EXAMPLES,
)

app = Verbs(no_args_is_help=True)

OfBundle = Annotated[
    str,
    argument(
        "A bundle: its folder, its name, or name@version.",
        "模型包：文件夹、名称，或 name@version。",
        show_default=False,
    ),
]
Count = Annotated[int, option("How many texts.", "文本数。", min=1)]


@app.callback()
def label() -> None:
    """Suggest which texts to label, take the labels, and look for wrong ones.

    Of served texts, what people called wrong comes first, then what versions of the model disagree on, then what the
    model left to a person, then its lowest scores.

    建议标注哪些文本，收回标签，并找出有误的标签。

    上线后回答过的文本按此顺序：人们说错了的，模型各版本答案不一的，模型交给人工的，最后是分数最低的。
    """


app.command("suggest", epilog=f"Example: {label_suggest.EXAMPLES[0]}")(label_suggest.suggest)
app.command("errors", epilog=f"Example: {label_errors.EXAMPLES[0]}")(label_errors.errors)
app.command("rules", epilog=f"Example: {label_rules.EXAMPLES[0]}")(label_rules.rules)
app.command("ask", epilog=f"Example: {label_ask.EXAMPLES[0]}")(label_ask.ask)
app.command("agreement", epilog=f"Example: {label_people.EXAMPLES[0]}")(label_people.agreement)
app.command("collect", epilog=f"Example: {label_people.EXAMPLES[1]}")(label_people.collect)


@app.command("export", epilog=f"Example: {EXPORT}")
def export(
    bundle: OfBundle,
    out: Annotated[
        Path,
        option(
            "A table (.csv), or tasks for Label Studio (.json).",
            "写成表格（.csv），或 Label Studio 的任务（.json）。",
            show_default=False,
        ),
    ],
    count: Count = 100,
    as_json: AsJson = False,
) -> None:
    """Write the texts that are most worth labelling, with room for the label.

    写出最值得标注的文本，并留出填写标签的位置。
    """
    from feilun.bundles.bundle import open_bundle
    from feilun.storage.database import open_database
    from feilun.workflow.labelling import queue as labelling
    from feilun.workflow.labelling.label_files import ENDINGS
    from feilun.workflow.labelling.labelled_texts import check_out
    from feilun.workflow.state import exported_tables

    check_out(out, ENDINGS)
    opened = open_bundle(bundle, threads=1)
    asked = labelling.answers_of(opened)
    with closing(open_database()) as database:
        found = labelling.queue(opened, database, count)
        labelling.write_queue(found, out, opened.labels.names)
        with database.write() as connection:
            exported_tables.note(connection, out, len(found))
    if as_json:
        output.print_json({"texts": len(found), "out": str(out), "labels": list(opened.labels.names)})
        return
    names = f" ({', '.join(opened.labels.names[:10])})" if opened.labels.names else ""
    output.tell(
        Remark(
            f"{len(found):,} texts: {out}. Fill in the column label with {asked.in_a_cell}{names}, then:",
            f"{len(found):,} 条文本：{out}。请在 label 列里填写{said_in('zh', asked.in_a_cell)}{names}，然后：",
        ),
        f"feilun label import {typed(bundle)} {typed(out)}",
    )


@app.command("import", epilog=f"Example: {IMPORT}")
def import_(
    bundle: OfBundle,
    table: Annotated[
        Path,
        argument(
            "The table that was filled in, or Label Studio's JSON.",
            "填好的表格，或 Label Studio 导出的 JSON。",
            show_default=False,
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Take the labels that were filled in; reading the same table again takes nothing twice.

    收回填好的标签；同一张表格再读一遍不会重复计入。
    """
    from feilun.bundles.bundle import open_bundle
    from feilun.storage.database import open_database
    from feilun.workflow.labelling import queue as labelling

    opened = open_bundle(bundle, threads=1)
    with closing(open_database()) as database:
        result = labelling.take(opened, database, table)
    if as_json:
        output.print_json(result.to_json())
    else:
        output.tell(
            Remark(
                f"{result.taken:,} labels taken, {result.repeated:,} taken before, {result.empty:,} rows without a "
                "label.",
                f"收下 {result.taken:,} 个标签，{result.repeated:,} 个以前已收下，{result.empty:,} 行没有标签。",
            ),
            *(f"  {output.said(line)}" for line in result.refused),
        )
    if result.refused:
        raise typer.Exit(1)
