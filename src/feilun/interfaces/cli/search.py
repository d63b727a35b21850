"""`feilun search`: better settings for a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from feilun.core.places import typed
from feilun.core.remark import Remark
from feilun.interfaces.cli import output
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
    recipe: Annotated[Path, typer.Argument(help="The recipe, a TOML file.", show_default=False)],
    trials: Annotated[
        int | None, typer.Option(min=1, help="How many settings are tried; else search.trials.", show_default=False)
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Time after which no trial goes on.", show_default=False)
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUES", help="low..high or a|b|c; may be given again.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the study and the best recipe; else in FEILUN_HOME.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Trials at the same time, each a process.")] = 1,
    settings: Settings = None,
    accept_licence: AcceptLicence = False,
    as_json: AsJson = False,
) -> None:
    """Try settings of a recipe on its validation rows and write out the best recipe; the test rows are not looked at.

    The first trial is the recipe as it stands; hopeless trials are stopped early. The same command goes on with a
    search that was stopped.
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
