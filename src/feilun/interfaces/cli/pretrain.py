"""`feilun pretrain`: a base reads the texts of a domain before it learns any label."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from feilun.core.errors import DataError
from feilun.core.remark import Remark, said_in
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import argument, option
from feilun.interfaces.cli.options import AcceptLicence, AsJson, Settings

EXAMPLES = (
    "feilun pretrain texts.csv --text body --base multilingual-e5-small --out out/our-base",
    "feilun pretrain pretrain.toml --out out/our-base --set training.epochs=10 --resume",
)


def pretrain(
    source: Annotated[
        str,
        argument(
            "A table of texts: csv, jsonl, parquet, xlsx, a database URL; or a TOML file that names one.",
            "文本表格：csv、jsonl、parquet、xlsx、数据库 URL；或写明了表格的 TOML 文件。",
            show_default=False,
        ),
    ],
    out: Annotated[Path, option("Folder of the new base.", "新基座的文件夹。", show_default=False)],
    text: Annotated[
        str | None, option("Its column of texts; else `text`.", "文本列；默认为 `text`。", show_default=False)
    ] = None,
    base: Annotated[
        str | None,
        option(
            "The base to start from; else multilingual-e5-small.",
            "从哪个基座开始；默认为 multilingual-e5-small。",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool, option("Go on where an interrupted run stopped.", "从上次中断的地方继续。", "--resume")
    ] = False,
    settings: Settings = None,
    accept_licence: AcceptLicence = False,
    as_json: AsJson = False,
) -> None:
    """Let a base read the texts of your domain, without labels, and write it as a new base.

    An encoder foretells hidden words, a language model the next one. The folder is a base for any recipe: set
    model.base to it. Ctrl-C stops at the next step with a checkpoint; the same command with --resume goes on to the
    bitwise same weights.

    让基座读自己领域的文本（不需要标签），写成一个新的基座。

    编码器预测被遮住的词，语言模型预测下一个词。写出的文件夹可以用作任何配方的 model.base。按 Ctrl-C 会在下一步停下并保
    存检查点；同一条命令加上--resume 继续，最后的权重逐位相同。
    """
    from feilun.workflow.pretraining.pretrain import pretrain_base
    from feilun.workflow.pretraining.settings import settings_of
    from feilun.workflow.screen import Terminal

    asked = settings_of(source, text, base, settings or ())
    screen = Terminal(output.progress_console() if as_json else output.result_console(), output.language())
    try:
        made = pretrain_base(asked, out, resume=resume, accept_licence=accept_licence, screen=screen)
    except DataError as error:  # where no file holds settings, there is an option for the column
        raise DataError(error.problem, error.remedy if source.lower().endswith(".toml") else _own(error)) from error
    if as_json:
        output.print_json(made.to_json())
        return
    perplexity = made.origin["perplexity"]
    before, after = f"{perplexity['before']:,.1f}", f"{perplexity['after']:,.1f}"
    output.tell(
        Remark(
            f"Perplexity of {made.origin['held_out']:,} held-out passages: {before} before, {after} after.",
            f"留出的 {made.origin['held_out']:,} 段文本的困惑度：之前 {before}，之后 {after}。",
        ),
        Remark(f"The base is in {made.path}:", f"基座在 {made.path}："),
        f"  feilun train recipe.toml --set model.base={made.path}",
    )


def _own(error: DataError) -> Remark:
    """Return a remedy that names the option instead of the recipe's key."""
    return Remark(
        error.remedy.replace("Set data.text in the recipe, or pass --set data.text=", "Pass --text "),
        said_in("zh", error.remedy).replace("请在配方中设置 data.text，或使用 --set data.text=", "请使用 --text "),
    )
