"""`feilun models`: the registered bundles, which version of each answers, and adapters merged with their base."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.database import opened_database
from feilun.interfaces.cli.help import Verbs, argument, option
from feilun.interfaces.cli.options import AsJson, Threads

EXAMPLES = (
    "feilun models",
    "feilun models --json",
    "feilun models promote reviews@3",
    "feilun models rollback reviews",
    "feilun models fold reviews@3 --out out/whole",
)

HEADS = (
    Remark("bundle", "模型包"),
    Remark("stage", "阶段"),
    Remark("created", "创建时间"),
    Remark("labels", "标签数"),
    Remark("accuracy", "准确率"),
    Remark("macro-F1", "宏平均 F1"),
    Remark("size", "大小"),
)
STAGES = {
    "": Remark("", ""),
    "champion": Remark("champion", "现任"),
    "candidate": Remark("candidate", "候选"),
    "retired": Remark("retired", "已退任"),
}

app = Verbs(invoke_without_command=True)


@app.callback()
def models(context: typer.Context, as_json: AsJson = False) -> None:
    """List the registered bundles: name, version, stage, figures, size.

    `feilun train` registers a bundle under its recipe's name where no --out is given; predict, evaluate and serve
    then take NAME or NAME@VERSION. NAME is the champion, or the newest version while nobody promoted one.

    列出已登记的模型包：名称、版本、阶段、指标、大小。

    不写 --out 时，`feilun train` 按配方的名称登记模型包；predict、evaluate 和 serve 可以直接写 NAME 或 NAME@VERSION。
    NAME 指现任版本；还没有版本上任时，指最新的版本。
    """
    if context.invoked_subcommand is not None:
        return
    from feilun.workflow.state import inventory

    found = inventory.registered()
    if as_json:
        for bundle in found:
            output.print_json(bundle.to_json())
        return
    if not found:
        output.tell(
            Remark(
                "No bundle is registered yet. Make one: feilun quickstart, or feilun train RECIPE.toml",
                "还没有登记任何模型包。请先训练一个：feilun quickstart，或 feilun train RECIPE.toml",
            )
        )
        return
    table = output.table(*HEADS)
    for bundle in found:
        table.add_row(
            f"{bundle.name}@{bundle.version}", output.said(STAGES[bundle.stage]), bundle.created, str(bundle.labels),
            output.figure(bundle.accuracy), output.figure(bundle.macro_f1), f"{bundle.megabytes} MB",
        )  # fmt: skip
    output.result_console().print(table)


@app.command("promote", epilog=f"Example: {EXAMPLES[2]}")
def promote(
    bundle: Annotated[str, argument("NAME@VERSION.", "带版本的名称，NAME@VERSION。", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Make a version the champion; services that run take it within about a second.

    让一个版本上任；运行中的服务约一秒内采用。
    """
    from feilun.workflow.loop import releases

    with opened_database() as database:
        after = releases.promote(bundle, database)
    version = f"{bundle.partition('@')[0]}@{after.champion}"
    _tell(version, Remark(f"{version} is the champion.", f"{version} 已上任。"), as_json=as_json)


@app.command("rollback", epilog=f"Example: {EXAMPLES[3]}")
def rollback(
    name: Annotated[str, argument("The model's name.", "模型名称。", show_default=False)], as_json: AsJson = False
) -> None:
    """Make the champion before the champion again.

    让上一个现任版本复任。
    """
    from feilun.workflow.loop import releases

    with opened_database() as database:
        after = releases.roll_back(name, database)
    version = f"{name}@{after.champion}"
    _tell(version, Remark(f"{version} is the champion again.", f"{version} 重新上任。"), as_json=as_json)


@app.command("fold", epilog=f"Example: {EXAMPLES[4]}")
def fold(
    bundle: Annotated[
        str,
        argument(
            "An adapter bundle: its folder, its name, or name@version.",
            "适配器模型包：文件夹、名称，或 name@version。",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        option("The whole bundle's folder; else it is the next version.", "完整模型包的文件夹；默认登记为下一个版本。"),
    ] = None,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Merge a bundle that holds an adapter alone with the base that it shares.

    The whole bundle is float32, answers the same, and needs no other file; `feilun compress` can make it int8.

    把只含适配器的模型包与它共用的基座合并成完整的模型包。

    合并后的模型包为 float32，答案相同，不再依赖其他文件；可以用 `feilun compress` 变成 int8。
    """
    from feilun.bundles.bundle import open_bundle
    from feilun.workflow.finished.fold_bundle import fold_bundle

    made = fold_bundle(open_bundle(bundle, threads=threads), out)
    if as_json:
        output.print_json({"bundle": str(made.path), "hash": made.manifest["hash"]})
    else:
        output.tell(Remark(f"The bundle is in {made.path}: whole, float32.", f"模型包在 {made.path}：完整，float32。"))


def _tell(champion: str, said: Remark, *, as_json: bool) -> None:
    if as_json:
        output.print_json({"champion": champion})
    else:
        output.tell(said)
