"""`feilun retrain`: a model is trained again with what people said of its answers."""

from __future__ import annotations

import sys
from time import sleep
from typing import TYPE_CHECKING, Annotated, Any

import typer

from feilun.core.errors import FeilunError, Interrupted, UsageError
from feilun.interfaces.cli import output
from feilun.interfaces.cli.database import opened_database
from feilun.interfaces.cli.options import AcceptLicence, AsJson

if TYPE_CHECKING:
    from feilun.workflow.loop.retrain import Retraining

EXAMPLES = (
    "feilun retrain reviews --check",
    "feilun retrain recipe.toml --review",
    "feilun retrain reviews --if-due --resume",
    "feilun retrain reviews --every 6",
)


def retrain(
    model: Annotated[
        str, typer.Argument(help="The model's recipe; or its name, once trained here.", show_default=False)
    ],
    check: Annotated[bool, typer.Option("--check", help="Say whether it is due and why; train nothing.")] = False,
    if_due: Annotated[bool, typer.Option("--if-due", help="Train only when it is due: for a timer.")] = False,
    review: Annotated[bool, typer.Option("--review", help="Let a person promote what comes out.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what was stopped, where something was.")] = False,
    every: Annotated[
        float | None,
        typer.Option(
            min=0.0001,
            max=8760,
            metavar="HOURS",
            show_default=False,
            help="As --if-due --resume, every so many hours until Ctrl-C.",
        ),
    ] = None,
    accept_licence: AcceptLicence = False,
    as_json: AsJson = False,
) -> None:
    """Train a model again with what people said of its answers.

    The challenger takes the champion's place where it is no worse on the recipe's test rows and better on rows told by
    people from which neither learned; the table [retrain] of the recipe says how much. Two never run at once.
    """
    if every is None:
        _look(model, check, if_due, review, resume, accept_licence, as_json)
        return
    if check:
        raise UsageError("--check looks once, --every again and again.", "Leave one of them out.")
    while True:
        try:
            _look(model, False, True, review, True, accept_licence, as_json)
        except Interrupted:
            raise
        except FeilunError as error:  # a gate that was missed, a database that is away: the next look may find it well
            print(f"error: {error}", file=sys.stderr, flush=True)
        sys.stdout.flush()  # hours pass before the next word: a log that reads a pipe is to have this one
        sleep(3600 * every)


def _look(
    model: str, check: bool, if_due: bool, review: bool, resume: bool, accept_licence: bool, as_json: bool
) -> None:
    """Look whether training is due, where that is asked, and train."""
    from feilun.workflow.loop import retrain as retraining
    from feilun.workflow.loop.remembered import recipe_of
    from feilun.workflow.screen import Terminal

    recipe = recipe_of(model)
    with opened_database() as database:
        if check or if_due:
            verdict = retraining.is_due(recipe, database)
            if check or not verdict.yes:
                said: dict[str, Any] = {"model": recipe.name, "due": verdict.yes, "reasons": list(verdict.reasons)}
                if as_json:
                    output.print_json(said)
                else:
                    due = "due" if verdict.yes else "not due"
                    print(f"{recipe.name} is {due}: {'; '.join(verdict.reasons)}.", flush=True)
                return
        screen = Terminal(output.progress_console() if as_json else output.result_console(), output.language())
        result = retraining.retrain(
            recipe, database, review=review, resume=resume, accept_licence=accept_licence, screen=screen
        )
    if as_json:
        output.print_json(result.to_json())
    else:
        _show(result)


def _show(result: Retraining) -> None:
    before, after = f"{result.model}@{result.champion}", f"{result.model}@{result.challenger}"
    print({
        "promoted": f"{after} takes the place of {before}. Back: feilun models rollback {result.model}",
        "waiting": f"{after} waits for a person; {before} answers. Promote: feilun models promote {after}",
        "kept": f"{before} stays. {after} is kept: feilun models promote {after} would choose it all the same.",
    }[result.outcome])  # fmt: skip
    for reason in result.reasons:
        print(f"  {reason}")
    unused = ", ".join(f"{reason} {count}" for reason, count in result.left_out.items() if count)
    print(f"  learned from {result.learned} rows told by people{f'; not used: {unused}' if unused else ''}")
    print(f"  {result.report}")
