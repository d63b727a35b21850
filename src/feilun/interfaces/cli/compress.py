"""`feilun compress`: a finished bundle becomes smaller or faster, and is judged beside what it was."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import option
from feilun.interfaces.cli.options import AsJson, BundleName, TargetColumn, TextColumn, Threads

EXAMPLES = (
    "feilun compress out/model --train news.csv --cascade --out out/fast",
    "feilun compress news@3 --train train.csv --validation dev.csv --test test.csv --student --max-drop 3",
)


def compress(
    bundle: BundleName,
    train: Annotated[str, option("The table that it was trained on.", "训练时用的表格。", show_default=False)],
    validation: Annotated[
        str | None,
        option("Rows to choose by; else split off as in training.", "据以选择方案的行；默认按训练时的办法切出。"),
    ] = None,
    test: Annotated[
        str | None, option("Rows to judge by; else split off as in training.", "据以评估的行；默认按训练时的办法切出。")
    ] = None,
    text: TextColumn = None,
    target: TargetColumn = None,
    cascade: Annotated[
        bool,
        option(
            "A static student answers what it is sure of.",
            "级联：静态小模型有把握的由它回答，其余交给原模型。",
            "--cascade",
        ),
    ] = False,
    student: Annotated[bool, option("The static student alone.", "只用静态小模型。", "--student")] = False,
    max_changed: Annotated[
        float | None,
        option(
            "Largest share of predictions that int8 or fp16 may change; else the recipe's.",
            "int8 或 fp16 最多允许改变多大比例的预测；默认与配方相同。",
            min=0,
            max=1,
            show_default=False,
        ),
    ] = None,
    max_drop: Annotated[
        float | None,
        option(
            "Points of accuracy that a student may cost.",
            "小模型最多允许损失几个百分点的准确率。",
            min=0.001,
            show_default=False,
        ),
    ] = None,
    unlabelled: Annotated[
        str | None, option("A table of further texts for the student.", "供小模型学习的更多文本，表格文件。")
    ] = None,
    languages: Annotated[
        list[str] | None,
        option(
            "Trim the vocabulary to this language; may be given again.",
            "把词表裁剪到这种语言；可以重复给出。",
            "--language",
            metavar="CODE",
        ),
    ] = None,
    quantize: Annotated[
        str, option("int8, fp16 (for GPUs), or none.", "int8、fp16（用于 GPU）或 none（不量化）。")
    ] = "int8",
    out: Annotated[
        Path | None,
        option("The new bundle's folder; else it is the next version.", "新模型包的文件夹；默认登记为下一个版本。"),
    ] = None,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Make a finished bundle smaller or faster.

    The new bundle is judged on the same rows as the old one, which stays as it is. What would lose more than it may is
    not made.

    把做好的模型包变小或变快。

    新旧模型包在同样的行上评估，旧的保持原样。损失超出允许范围的压缩不予采用。
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
    changes = {"form": form, "quantize": quantize, "max_drop": max_drop, "max_changed": max_changed}
    settings = wanted(opened, changes)
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
