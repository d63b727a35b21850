"""`feilun pretrain`: a base reads the texts of a domain before it learns any label."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from feilun.core.errors import DataError
from feilun.core.remark import Remark, said_in
from feilun.interfaces.cli import output
from feilun.interfaces.cli.options import AcceptLicence, AsJson, Settings

EXAMPLES = (
    "feilun pretrain texts.csv --text body --base multilingual-e5-small --out out/our-base",
    "feilun pretrain pretrain.toml --out out/our-base --set training.epochs=10 --resume",
)


def pretrain(
    source: Annotated[
        str,
        typer.Argument(
            help="A table of texts: csv, jsonl, parquet, xlsx, a database URL; or a TOML file that names one.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the new base.", show_default=False)],
    text: Annotated[str | None, typer.Option(help="Its column of texts; else `text`.", show_default=False)] = None,
    base: Annotated[
        str | None, typer.Option(help="The base to start from; else multilingual-e5-small.", show_default=False)
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an interrupted run stopped.")] = False,
    settings: Settings = None,
    accept_licence: AcceptLicence = False,
    as_json: AsJson = False,
) -> None:
    """Let a base read the texts of your domain, without labels, and write it as a new base.

    An encoder foretells hidden words, a language model the next one. The folder is a base for any recipe: set
    model.base to it. Ctrl-C stops at the next step with a checkpoint; the same command with --resume goes on to the
    bitwise same weights.
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
