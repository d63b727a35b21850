"""`feilun quickstart`: the whole loop, on the packaged sample or on your own file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import option
from feilun.interfaces.cli.options import AsJson

EXAMPLES = (
    "feilun quickstart",
    "feilun quickstart --data reviews.csv --text content --target label",
)


def quickstart(
    data: Annotated[
        Path | None,
        option(
            "Your own table, or a folder with train, dev and test; else packaged reviews.",
            "自己的表格，或含有 train、dev、test 的文件夹；默认用自带的评论。",
        ),
    ] = None,
    text: Annotated[
        str | None, option("Its column of texts; else the likeliest is taken.", "文本列；默认取最像的一列。")
    ] = None,
    target: Annotated[
        str | None, option("Its column of labels; else the likeliest is taken.", "标签列；默认取最像的一列。")
    ] = None,
    base: Annotated[
        str | None, option("A base model; else the one that fits the language.", "基座；默认取适合该语言的一个。")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the whole loop in minutes: data, training, report, bundle, predictions.

    Ends with the commands to serve the bundle and to use your own file.

    几分钟走完全过程：数据、训练、报告、模型包、预测。

    最后给出提供服务和换用自己文件的命令。
    """
    from feilun.workflow.getting_started import quickstart as loop
    from feilun.workflow.screen import Terminal

    screen = Terminal(output.progress_console() if as_json else output.result_console(), output.language())
    bundle = loop.quickstart(data, text, target, base, screen=screen)
    if as_json:
        output.print_json({"bundle": str(bundle.path), "hash": bundle.manifest["hash"], **bundle.report.to_json()})
