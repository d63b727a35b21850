"""`feilun compress`: a finished bundle becomes smaller or faster, and is judged beside what it was."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.options import AsJson, Threads

EXAMPLES = (
    "feilun compress out/model --train news.csv --cascade --out out/fast",
    "feilun compress news@3 --train train.csv --validation dev.csv --test test.csv --student --max-drop 3",
)


def compress(
    bundle: Annotated[str, typer.Argument(help="A bundle: its folder, its name, or name@version.", show_default=False)],
    train: Annotated[str, typer.Option(help="The table that it was trained on.", show_default=False)],
    validation: Annotated[str | None, typer.Option(help="Rows to choose by; else split off as in training.")] = None,
    test: Annotated[str | None, typer.Option(help="Rows to judge by; else split off as in training.")] = None,
    text: Annotated[str | None, typer.Option(help="The column of texts; else the one trained on.")] = None,
    target: Annotated[str | None, typer.Option(help="The column of labels; else the one trained on.")] = None,
    cascade: Annotated[bool, typer.Option("--cascade", help="A static student answers what it is sure of.")] = False,
    student: Annotated[bool, typer.Option("--student", help="The static student alone.")] = False,
    max_drop: Annotated[
        float | None, typer.Option(min=0.001, help="Points of accuracy that a student may cost.", show_default=False)
    ] = None,
    unlabelled: Annotated[str | None, typer.Option(help="A table of further texts for the student.")] = None,
    languages: Annotated[
        list[str] | None,
        typer.Option("--language", metavar="CODE", help="Trim the vocabulary to this language; may be given again."),
    ] = None,
    quantize: Annotated[str, typer.Option(help="int8, fp16 (for GPUs), or none.")] = "int8",
    out: Annotated[Path | None, typer.Option(help="The new bundle's folder; else it is the next version.")] = None,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Make a finished bundle smaller or faster.

    The new bundle is judged on the same rows as the old one, which stays as it is. What would lose more than it may is
    not made.
    """
    from feilun.bundles.bundle import open_bundle
    from feilun.workflow.finished.compress_bundle import Rows, compress_bundle, wanted
    from feilun.workflow.screen import Terminal

    if cascade and student:
        raise UsageError(
            Remark("--cascade and --student exclude each other.", "--cascade 和 --student 不能同时使用。"),
            Remark("A cascade holds a student; give one of both.", "级联里已有学生；请只给其中一个。"),
        )
    _check_student(cascade or student, {"--max-drop": max_drop, "--unlabelled": unlabelled})
    opened = open_bundle(bundle, threads=threads)
    form = "cascade" if cascade else "student" if student else "model"
    settings = wanted(opened, {"form": form, "quantize": quantize, "max_drop": max_drop})
    rows = Rows(train, validation, test, unlabelled, text, target)
    screen = Terminal(output.progress_console() if as_json else output.result_console(), output.language())
    made = compress_bundle(opened, rows, settings, languages=languages or (), out=out, screen=screen)
    if as_json:
        output.print_json({"bundle": str(made.path), "hash": made.manifest["hash"], **made.report.to_json()})
    else:
        form, precision = made.manifest["form"], made.manifest["precision"]
        output.tell(
            Remark(
                f"The bundle is in {made.path}: {form}, {precision}.", f"模型包在 {made.path}：{form}，{precision}。"
            )
        )


def _check_student(wanted: bool, options: Mapping[str, object]) -> None:
    """Refuse options of a student where none is asked for, rather than ignore them."""
    given = [name for name, value in options.items() if value is not None]
    if given and not wanted:
        named, zh_named = " and ".join(given), "、".join(given)
        raise UsageError(
            Remark(
                f"{named} is for a student alone, and none is asked for.",
                f"{zh_named} 只用于学生模型，而这里没有要求。",
            ),
            Remark(
                "Give --cascade or --student too, or leave it out.", "请同时给出 --cascade 或 --student，或去掉它。"
            ),
        )
