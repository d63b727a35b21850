"""`feilun search`: better settings for a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from feilun.core.places import typed
from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import argument, option
from feilun.interfaces.cli.options import AcceptLicence, AsJson, Settings

if TYPE_CHECKING:
    from feilun.workflow.search.result import Found, Trial

EXAMPLES = (
    "feilun search recipe.toml --trials 20",
    "feilun search recipe.toml --minutes 30 --vary training.learning_rate=1e-5..1e-3 --vary training.epochs=2..6",
)

STATES = {
    "complete": Remark("complete", "完成"),
    "stopped": Remark("stopped", "提前停止"),
    "failed": Remark("failed", "失败"),
}


def search(
    recipe: Annotated[Path, argument("The recipe, a TOML file.", "配方，TOML 文件。", show_default=False)],
    trials: Annotated[
        int | None,
        option(
            "How many settings are tried; else search.trials.",
            "试多少组设置；默认取 search.trials。",
            min=1,
            show_default=False,
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        option("Time after which no trial goes on.", "超过这么多分钟就不再继续任何试验。", show_default=False),
    ] = None,
    vary: Annotated[
        list[str] | None,
        option(
            "low..high or a|b|c; may be given again.",
            "写作 low..high 或 a|b|c；可以重复给出。",
            metavar="KEY=VALUES",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        option(
            "Folder of the study and the best recipe; else in FEILUN_HOME.",
            "存放搜索记录和最佳配方的文件夹；默认在 FEILUN_HOME 下。",
        ),
    ] = None,
    workers: Annotated[
        int, option("Trials at the same time, each a process.", "同时进行的试验数，每个一个进程。", min=1)
    ] = 1,
    settings: Settings = None,
    accept_licence: AcceptLicence = False,
    as_json: AsJson = False,
) -> None:
    """Try settings of a recipe on its validation rows and write out the best recipe; the test rows are not looked at.

    The first trial is the recipe as it stands; hopeless trials are stopped early. The same command goes on with a
    search that was stopped.

    在验证集上试配方的各种设置，写出最好的配方；不看测试集。

    第一次试验就是配方原样；没有希望的试验提前停止。中断后用同一条命令接着搜索。
    """
    from feilun.workflow.search.search import search as run

    overrides = list(settings or [])
    if trials is not None:
        overrides.append(f"search.trials={trials}")
    if minutes is not None:
        overrides.append(f"search.minutes={minutes}")
    if vary:
        overrides.append(f"search.vary={','.join(vary)}")
    console = output.progress_console() if as_json else output.result_console()

    def show(trial: Trial) -> None:
        values = ", ".join(f"{key.rpartition('.')[2]} {_short(value)}" for key, value in trial.settings.items())
        found = "" if trial.value is None else f" {trial.value:.4f}"
        state = output.said(STATES[trial.state])
        console.print(f"{trial.number:3d} {state}{found}  {values}  ({trial.seconds:.0f} s)", highlight=False)
        if trial.reason:
            console.print(f"    {output.said(trial.reason)}", highlight=False)

    found = run(recipe, overrides, out=out, workers=workers, accept_licence=accept_licence, show=show)
    if as_json:
        output.print_json(found.to_json())
        return
    output.tell(
        _result(found),
        Remark(f"Its recipe: {found.recipe}", f"它的配方：{found.recipe}"),
        f"  feilun train {typed(found.recipe)}",
    )


def _result(found: Found) -> Remark:
    before = Remark("", "")
    if found.standing is not None:
        value = f"{found.standing:.4f}"
        before = Remark(f", the recipe as it stands {value}", f"，配方原样为 {value}")
    best, trials = f"{found.metric} {found.best.value:.4f}", len(found.trials)
    return Remark(
        f"Best of {trials} trials: {best} on the validation rows{before}.",
        f"{trials} 次试验中最好的：验证行上 {best}{before.chinese}。",
    )


def _short(value: str) -> str:
    try:
        return f"{float(value):.3g}"
    except ValueError:
        return value
