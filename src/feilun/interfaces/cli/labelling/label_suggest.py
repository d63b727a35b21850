"""`feilun label suggest`: which texts are most worth a label."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from feilun.core.errors import UsageError
from feilun.core.places import typed
from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import argument, option
from feilun.interfaces.cli.labelling.label_errors import BaseName, TextColumn
from feilun.interfaces.cli.options import AsJson
from feilun.labelling.ways import By

if TYPE_CHECKING:
    from feilun.labelling.label_studio import Question

EXAMPLES = (
    "feilun label suggest reviews",
    "feilun label suggest reviews --file new.csv --count 100 --out queue.csv",
    "feilun label suggest labelled.csv --file new.csv --out tasks.json",
)

SHOWN = 60

HEADS = (Remark("reason", "理由"), Remark("predicted", "预测"), Remark("score", "分数"), Remark("text", "文本"))
REASONS = {
    "conflicting feedback": Remark("conflicting feedback", "反馈互相矛盾"),
    "called wrong": Remark("called wrong", "被说错"),
    "versions disagree": Remark("versions disagree", "各版本不一致"),
    "left to a person": Remark("left to a person", "已转人工"),
    "low score": Remark("low score", "分数低"),
    "no score": Remark("no score", "没有分数"),
    "both": Remark("both", "没把握且不同"),
    "margin": Remark("margin", "前两名接近"),
    "entropy": Remark("entropy", "熵高"),
    "diversity": Remark("diversity", "与其他不同"),
}
"""Why a text is worth a label, by the name that JSON has."""


def suggest(
    where: Annotated[
        str,
        argument(
            "A bundle, a classify recipe, or a table with labels; or one of texts alone.",
            "模型包、classify 配方或带标签的表格；也可以是只有文本的表格。",
            show_default=False,
        ),
    ],
    file: Annotated[
        str | None,
        option(
            "The texts to choose from; without it, those that the bundle answered.",
            "从哪些文本中挑选；不写则从模型包回答过的文本中挑选。",
        ),
    ] = None,
    by: Annotated[
        By,
        option(
            "Unsure texts (margin, entropy), unlike ones (diversity), or both.",
            "挑没把握的（margin、entropy）、彼此不同的（diversity），或两者兼顾（both）。",
        ),
    ] = "both",
    count: Annotated[int, option("How many texts.", "文本数。", min=1)] = 20,
    out: Annotated[
        Path | None,
        option("Write them: .csv, or .json for Label Studio.", "写到文件：.csv，或供 Label Studio 用的 .json。"),
    ] = None,
    text: TextColumn = None,
    base: BaseName = None,
    seed: Annotated[
        int, option("Draws, where texts are to be unlike each other.", "挑选彼此不同的文本时用的随机种子。", min=0)
    ] = 13,
    as_json: AsJson = False,
) -> None:
    """Choose the texts that are most worth a label: of a file, or of those that a bundle answered.

    Where nothing is labelled yet, texts are chosen by their variety alone.

    从文件或模型包回答过的文本里，挑出最值得标注的。

    还没有任何标签时，只按文本的多样性挑选。
    """
    from feilun.workflow.labelling import suggest as suggesting
    from feilun.workflow.labelling.label_files import ENDINGS, write_questions
    from feilun.workflow.labelling.labelled_texts import check_out

    check_out(out, ENDINGS, where, file or where)
    if file is None and suggesting.is_bundle(where):
        if out is not None:
            raise UsageError(
                Remark("--out goes with --file.", "--out 要与 --file 一起使用。"),
                Remark(
                    f"What the bundle answered: feilun label export {where} --out {out}",
                    f"要模型包回答过的文本：feilun label export {where} --out {out}",
                ),
            )
        _show(_answered(where, count), "observation", as_json)
        return
    pool = suggesting.pool_of(where, file, text, base)
    questions = suggesting.suggest_texts(pool, by, count, seed)
    if out is None:
        _show(questions, suggesting.KEY, as_json)
        return
    write_questions(questions, pool.labels, out, suggesting.KEY)
    if as_json:
        output.print_json({"texts": len(questions), "of": len(pool.corpus), "out": str(out)})
        return
    chosen, of = len(questions), len(pool.corpus)
    output.tell(
        Remark(
            f"{chosen:,} of {of:,} texts: {out}. When their labels are filled in:",
            f"{of:,} 条文本中的 {chosen:,} 条：{out}。填好标签之后：",
        ),
        f"feilun label collect {typed(out)} --out labelled.csv",
    )


def _answered(where: str, count: int) -> list[Question]:
    from feilun.bundles.bundle import open_bundle
    from feilun.storage.database import open_database
    from feilun.workflow.labelling import queue as labelling

    opened = open_bundle(where, threads=1)
    with closing(open_database()) as database:
        return labelling.questions(labelling.queue(opened, database, count))


def _show(questions: Sequence[Question], key: str, as_json: bool) -> None:
    if as_json:
        for one in questions:
            output.print_json({key: one.identity, "text": one.text, "predicted": one.predicted, "score": one.score,
                               "reason": one.reason})  # fmt: skip
        return
    if not questions:
        output.tell(
            Remark(
                "Nothing that was answered waits for a label. `feilun serve` observes what it answers.",
                "回答过的文本里没有等待标注的。`feilun serve` 会记下它的回答。",
            )
        )
        return
    from rich.text import Text

    table = output.table(*HEADS)
    for one in questions:
        text = " ".join(one.text.split())
        shown = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
        table.add_row(
            output.said(REASONS[one.reason]), Text(one.predicted or ""), output.figure(one.score), Text(shown)
        )
    output.result_console().print(table)
