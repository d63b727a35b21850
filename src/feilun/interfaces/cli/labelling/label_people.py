"""`feilun label agreement` and `feilun label collect`: what several people said of the same texts."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

from feilun.core.remark import Remark, joined
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import argument, option
from feilun.interfaces.cli.options import AsJson

EXAMPLES = (
    "feilun label agreement ann.csv bob.csv",
    "feilun label collect queue.csv --out labelled.csv",
)

Files = Annotated[
    list[Path],
    argument(
        "Tables that were filled in, one a person; or Label Studio's JSON.",
        "填好的表格，每人一个；或 Label Studio 导出的 JSON。",
        show_default=False,
    ),
]

HEADS = (
    Remark("one", "一人"),
    Remark("other", "另一人"),
    Remark("texts", "文本数"),
    Remark("agree", "一致"),
    Remark("Cohen's kappa", "Cohen's kappa"),
)


def agreement(files: Files, as_json: AsJson = False) -> None:
    """Say how far people agree: Krippendorff's alpha, Fleiss' kappa, Cohen's of each pair, and what they confuse.

    说明标注者有多一致：Krippendorff α、Fleiss κ、每两人的 Cohen κ，以及哪些标签容易混淆。
    """
    from feilun.workflow.labelling.annotators import agreement_of, read_ratings

    found = agreement_of(read_ratings(files))
    if as_json:
        output.print_json(found)
        return
    alpha, kappa = _figure(found["krippendorff_alpha"]), _figure(found["fleiss_kappa"])
    output.tell(
        Remark(
            f"{found['texts']:,} texts, {found['shared']:,} of them labelled by two people or more.",
            f"{found['texts']:,} 条文本，其中 {found['shared']:,} 条由两人或更多人标注。",
        ),
        joined([f"Krippendorff's alpha {alpha}", f"Fleiss' kappa {kappa}"], ", ", "，"),
    )
    from rich.text import Text

    table = output.table(*HEADS)
    for pair in found["pairs"]:
        table.add_row(*(Text(person) for person in pair["people"]), f"{pair['texts']:,}", _figure(pair["agree"]),
                      _figure(pair["cohen_kappa"]))  # fmt: skip
    output.result_console().print(table)
    for confusion in found["confused"]:
        either = joined(confusion["labels"], " or ", " 或 ")
        output.tell(
            Remark(f"{confusion['texts']:,} texts: {either}", f"{confusion['texts']:,} 条文本：{either.chinese}")
        )


def collect(
    files: Files,
    out: Annotated[
        Path,
        option(
            "The table to train on: .csv, .tsv, .jsonl, .parquet.",
            "写出的训练表格：.csv、.tsv、.jsonl、.parquet。",
            show_default=False,
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Make one table of texts and labels of what people filled in; of several labels for a text the most frequent.

    Texts of which people disagree evenly are left out, and counted.

    把人们填好的标签合成一张文本和标签的表格；一条文本有几个标签时取最多的。

    意见相持不下的文本不收入，并计数。
    """
    from feilun.workflow.finished.predict_file import WRITERS
    from feilun.workflow.labelling.annotators import read_ratings, write_labelled
    from feilun.workflow.labelling.labelled_texts import check_out

    check_out(out, WRITERS, *files)
    written, tied = write_labelled(read_ratings(files), out)
    if as_json:
        output.print_json({"rows": written, "tied": tied, "out": str(out)})
        return
    said = [Remark(f"{written:,} labelled texts: {out}.", f"{written:,} 条带标签的文本：{out}。")]
    if tied:
        said.append(Remark(f"{tied:,} left out: people disagree evenly.", f"略去 {tied:,} 条：不同标签的人数相同。"))
    output.tell(joined(said, " ", ""))


def _figure(value: float | None) -> str:
    unknown = value is None or math.isnan(value)
    return output.said(Remark("not known", "未知")) if unknown else f"{value:.3f}"
