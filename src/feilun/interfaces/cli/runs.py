"""`feilun runs`: the training runs, finished and not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from feilun.core import places
from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import Verbs, argument
from feilun.interfaces.cli.options import AsJson

if TYPE_CHECKING:
    from feilun.workflow.state.run_history import Row

EXAMPLES = (
    "feilun runs",
    "feilun runs --json",
    "feilun runs show reviews-0a1b2c3d",
    "feilun runs compare reviews-0a1b2c3d reviews-4e5f6a7b",
    "feilun runs plot reviews-0a1b2c3d",
)

HEADS = (
    Remark("run", "运行"),
    Remark("base", "基座"),
    Remark("step", "步数"),
    Remark("state", "状态"),
    Remark("accuracy", "准确率"),
    Remark("macro-F1", "宏平均 F1"),
)
FINISHED = Remark("finished", "已完成")
NOT_FINISHED = Remark("not finished", "未完成")

app = Verbs(invoke_without_command=True)


@app.callback()
def runs(context: typer.Context, as_json: AsJson = False) -> None:
    """List the training runs, the latest first; show one, or compare several.

    The folder of a run holds its log, report and plots. A run that is not finished goes on with the command that
    began it and --resume.

    列出训练运行，最新的在前；也可以查看一次，或比较几次。

    每次运行的文件夹里有日志、报告和图。没有完成的运行，用当初的命令加 --resume 继续。
    """
    if context.invoked_subcommand is None:
        list_runs(as_json)


@app.command("list", epilog="Example: feilun runs list --json")
def list_runs(as_json: AsJson = False) -> None:
    """List the training runs, the latest first.

    列出训练运行，最新的在前。
    """
    from feilun.workflow.state import inventory

    found = inventory.runs()
    if as_json:
        for run in found:
            output.print_json(run.to_json())
        return
    if not found:
        output.tell(
            Remark(
                "There is no run yet. Begin one: feilun quickstart, or feilun train RECIPE.toml",
                "还没有任何运行。请开始一次：feilun quickstart，或 feilun train RECIPE.toml",
            )
        )
        return
    table = output.table(*HEADS)
    table.columns[0].overflow = "fold"  # an id that is cut cannot be given to `show`
    for run in found:
        table.add_row(
            run.id, run.base, f"{run.step:,}", output.said(FINISHED if run.finished else NOT_FINISHED),
            output.figure(run.accuracy), output.figure(run.macro_f1),
        )  # fmt: skip
    output.result_console().print(table)
    output.tell(Remark(f"Their folders are in {places.runs()}.", f"它们的文件夹在 {places.runs()}。"))


@app.command("show", epilog=f"Example: {EXAMPLES[2]}")
def show(
    run: Annotated[str, argument("Its id, or the beginning of it.", "运行的 id，或其开头几位。", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Show the report of a run, and where its plots are.

    显示一次运行的报告，以及图在哪里。
    """
    from feilun.core.report import Report
    from feilun.evaluation.presentation.terminal import render
    from feilun.workflow.state.run_history import find_run, read_run

    folder = find_run(run)
    facts = read_run(folder)
    if as_json:
        output.print_json({"id": folder.name, **facts})
        return
    if "report" in facts:
        output.result_console().print(render(Report.from_json(facts["report"]), output.language()))
    else:
        output.tell(
            Remark(
                "Not finished: it goes on with the command that began it and --resume.",
                "未完成：用当初启动它的命令加上 --resume 即可继续。",
            )
        )
    for path in (folder / "run.json", folder / "log.jsonl", *sorted(folder.glob("plots/*.png"))):
        print(path)


@app.command("compare", epilog=f"Example: {EXAMPLES[3]}")
def compare(
    ids: Annotated[
        list[str],
        argument("Runs: their ids, or the beginnings of them.", "各次运行的 id，或其开头几位。", show_default=False),
    ],
    as_json: AsJson = False,
) -> None:
    """Show in which settings, data and libraries runs differ, and what came out of each.

    Figures of different test rows are not comparable: `fingerprint` says where the data differ.

    比较几次运行：设置、数据和库版本有何不同，各得到什么结果。

    测试集不同的指标不能比较：`fingerprint` 会指出数据何处不同。
    """
    from feilun.workflow.state import run_history

    folders = [run_history.find_run(reference) for reference in ids]
    facts = [run_history.read_run(folder) for folder in folders]
    names = [folder.name for folder in folders]
    settings, figures = run_history.differing_settings(facts), run_history.figures(facts)
    if as_json:
        output.print_json({"runs": names, "settings": dict(settings), "figures": dict(figures)})
        return
    _print_rows(names, [*settings, *figures])


@app.command("plot", epilog=f"Example: {EXAMPLES[4]}")
def plot(
    ids: Annotated[
        list[str],
        argument("Runs: their ids, or the beginnings of them.", "各次运行的 id，或其开头几位。", show_default=False),
    ],
    as_json: AsJson = False,
) -> None:
    """Draw the learning curve of runs from their logs, finished or not, into their folders.

    根据日志画出各次运行的学习曲线，写入各自的文件夹；没有完成的也可以。
    """
    from feilun.core.errors import UsageError
    from feilun.evaluation.presentation.plots import draw_curve
    from feilun.workflow.state import run_history

    for folder in [run_history.find_run(reference) for reference in ids]:
        files = draw_curve(run_history.read_log(folder), folder / "plots")
        if not files:
            raise UsageError(
                Remark(f"The run {folder.name} has logged no figures yet.", f"运行 {folder.name} 还没有记下任何数字。"),
                Remark("Plot it after its first evaluation.", "请等它第一次评估之后再画图。"),
            )
        if as_json:
            output.print_json({"id": folder.name, "files": list(map(str, files))})
        else:
            print("\n".join(map(str, files)))


def _print_rows(names: list[str], rows: list[Row]) -> None:
    table = output.table("", *names)
    for key, values in rows:
        table.add_row(key, *map(_cell, values))
    output.result_console().print(table)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    text = "" if value is None else str(value)
    return text if len(text) <= 32 else f"{text[:31]}…"
