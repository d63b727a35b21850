"""`feilun recommendation experiment` and `estimate`: what lists came to, and what others would have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from feilun.interfaces.cli import output
from feilun.interfaces.cli.options import AsJson, Settings

if TYPE_CHECKING:
    from feilun.core.report import Figure

EXAMPLES = (
    "feilun recommendation experiment shop.toml",
    "feilun recommendation estimate shop.toml --set list.diversity=0.1",
)

File = Annotated[Path, typer.Argument(help="The application's TOML file.", show_default=False)]


def experiment(file: File, as_json: AsJson = False) -> None:
    """Show from how many lists something followed, with and without a look at the history (`[experiment]`)."""
    from dataclasses import asdict

    from feilun.apps.recommendation.experiments import outcomes
    from feilun.apps.recommendation.shop import remembered
    from feilun.core.errors import UsageError
    from feilun.storage.database import open_database
    from feilun.workflow.applications.recommendation_file import read_application

    database = open_database()
    try:
        held = remembered(database, read_application(file).name)
    finally:
        database.close()
    found = outcomes(held.rankings, held.events)
    if not found:
        raise UsageError(
            "No list was shown in an experiment.", "Set experiment.holdout above 0 in the file, and serve."
        )
    for arm, outcome in found.items():
        if as_json:
            output.print_json({"arm": arm, **asdict(outcome)})
            continue
        print(f"{arm}: {outcome.users:,} users, {outcome.lists:,} lists, acted on {_said(outcome.acted)}")


def estimate(file: File, settings: Settings = None, as_json: AsJson = False) -> None:
    """Estimate what these settings would have earned a shown place, from the lists logged with their chances.

    The model is trained on the events before the lists; each place is asked anew, with the same list above it. Where
    the log carries too little, this says so.
    """
    from dataclasses import asdict

    from feilun.storage.database import open_database
    from feilun.workflow.applications.recommendation import prepare
    from feilun.workflow.applications.recommendation_estimate import estimate_settings
    from feilun.workflow.applications.recommendation_file import read_application

    read = read_application(file, settings or ())
    database = open_database()
    try:
        found = estimate_settings(read, prepare(read, database))
    finally:
        database.close()
    doubts = found.doubts()
    if as_json:
        output.print_json({**asdict(found), "conclusive": not doubts, "doubts": doubts})
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


def _said(figure: Figure | None) -> str:
    if figure is None:
        return "not known"
    interval = "" if figure.low is None else f" ({figure.low:.1%} to {figure.high:.1%})"
    return f"{figure.value:.1%}{interval}"
