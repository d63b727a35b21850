"""`feilun recommendation experiment` and `estimate`: what lists came to, and what others would have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.options import AsJson, Settings

if TYPE_CHECKING:
    from feilun.apps.recommendation.experiments.slates import ListEstimate
    from feilun.core.report import Figure

EXAMPLES = (
    "feilun recommendation experiment shop.toml",
    "feilun recommendation estimate shop.toml --set list.diversity=0.1",
)

File = Annotated[Path, typer.Argument(help="The application's TOML file.", show_default=False)]


def experiment(file: File, as_json: AsJson = False) -> None:
    """Show what followed from the lists of each arm, with guardrails, or whose items of mixed lists were taken."""
    from dataclasses import asdict

    from feilun.apps.recommendation.remembered import remembered
    from feilun.core.errors import UsageError
    from feilun.storage.database import open_database
    from feilun.workflow.applications.recommendation.experiments import concluded
    from feilun.workflow.applications.recommendation.file import read_application

    settings = read_application(file)
    database = open_database()
    try:
        found = concluded(settings, remembered(database, settings.name))
    finally:
        database.close()
    if not found.arms and not found.interleaved:
        raise UsageError(
            Remark("No list was shown in an experiment.", "没有列表在实验中展示过。"),
            Remark(
                "Set experiment.holdout above 0 in the file, and serve.",
                "请把文件里的 experiment.holdout 设为大于 0，然后启动服务。",
            ),
        )
    if as_json:
        output.print_json(asdict(found))
        return
    for arm, outcome in found.arms.items():
        print(f"{arm}: {outcome.users:,} users, {outcome.lists:,} lists, {outcome.coverage:.1%} of the catalogue shown")
        for measure, figure in outcome.figures.items():
            print(f"  {measure.replace('_', ' '):<18}{_said(figure, measure)}")
    for one in found.differences:
        flag = f"  WORSE: {one.worse}" if one.worse else ""
        print(f"{one.measure.replace('_', ' ')}: {one.arm} less {one.other} {_said(one.value, one.measure)}{flag}")
    for name, mixed in found.interleaved.items():
        print(
            f"{name}: {mixed.users:,} users, {mixed.lists:,} lists; {mixed.personal:,} took more of the personal side,"
        )
        print(f"  {mixed.impersonal:,} of the other (sign test p = {mixed.p:.3g})")
        print(f"  share of the personal side in what was taken: {_said(mixed.credit)}")


def estimate(file: File, settings: Settings = None, as_json: AsJson = False) -> None:
    """Estimate what these settings would have earned, from the lists logged with their chances.

    The model is trained on the events before the lists. First each place is asked anew, with the same list above it;
    then whole lists made by these settings, the first places alone and ever more of them. Where the log carries too
    little, this says so.
    """
    from dataclasses import asdict

    from feilun.storage.database import open_database
    from feilun.workflow.applications.recommendation.estimate import estimate_settings
    from feilun.workflow.applications.recommendation.file import read_application
    from feilun.workflow.applications.recommendation.wiring import prepare

    read = read_application(file, settings or ())
    database = open_database()
    try:
        estimates = estimate_settings(read, prepare(read, database))
    finally:
        database.close()
    found, doubts = estimates.places, estimates.places.doubts()
    if as_json:
        lists = [{**asdict(one), "conclusive": not one.doubts(), "doubts": one.doubts()} for one in estimates.lists]
        output.print_json({**asdict(found), "conclusive": not doubts, "doubts": doubts, "lists": lists})
        return
    print(f"{found.places:,} places of {found.users:,} users, {found.drawn:,} of them drawn by chance")
    print(f"the lists shown:       {_said(found.earned)} of the places acted on")
    print(f"these settings, IPS:   {_said(found.weighted)}")
    print(f"doubly robust:         {_said(found.robust)}")
    print(f"difference (IPS):      {_said(found.gain)}")
    print(f"effective sample size: {found.effective:,.0f} places; the log holds {found.covered:.0%} of these lists")
    if doubts:
        print("NOT ENOUGH TO CONCLUDE: " + "; ".join(doubts) + ".")
        print("More exploration (list.exploration), more lists or smaller changes tell more.")
    for one in estimates.lists:
        _print_lists(one)


def _print_lists(one: ListEstimate) -> None:
    print(f"\nFirst {one.depth} places of {one.lists:,} lists, places acted on a list")
    print(f"  the lists shown:     {_said(one.earned, 'count')}")
    print(f"  these settings:      {_said(one.cascade, 'count')}  (each place with what is above it)")
    print(f"  doubly robust:       {_said(one.robust, 'count')}")
    print(f"  as a whole, IPS:     {_said(one.whole, 'count')}")
    print(f"  difference:          {_said(one.gain, 'count')}")
    print(f"  effective:           {one.effective:,.0f} lists; the log holds {one.covered:.0%} of these")
    if doubts := one.doubts():
        print("  NOT ENOUGH TO CONCLUDE: " + "; ".join(doubts) + ".")


def _said(figure: Figure | None, measure: str = "") -> str:
    if figure is None:
        return "not known"
    form = ".1f" if measure.startswith("seconds") else ".3f" if measure == "count" else ".1%"
    interval = "" if figure.low is None else f" ({figure.low:{form}} to {figure.high:{form}})"
    return f"{figure.value:{form}}{interval}"
