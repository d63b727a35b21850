"""What `feilun customer-service` lists: who waits, what found no answer, how well customers are served."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from feilun.interfaces.cli import output
from feilun.interfaces.cli.applications.customer_service_options import File
from feilun.interfaces.cli.database import opened_database
from feilun.interfaces.cli.options import AsJson

EXAMPLES = (
    "feilun customer-service handoffs examples/customer_service.toml",
    "feilun customer-service candidates examples/customer_service.toml",
    "feilun customer-service measures examples/customer_service.toml --by day --csv measures.csv",
    "feilun customer-service mine examples/customer_service.toml",
)


def handoffs(file: File, as_json: AsJson = False) -> None:
    """List the conversations that wait for a person: most urgent, then longest waiting first."""
    import time

    from feilun.storage import customer_service as storage
    from feilun.workflow.applications.customer_service.file import read_application

    with opened_database() as database, database.read() as connection:
        found = storage.queue(connection, read_application(file).name)
    for one in found:
        waited = time.time() - (one.waiting_since or time.time())
        if as_json:
            output.print_json(
                {
                    "conversation": one.id,
                    "state": one.speaker,
                    "reason": one.reason,
                    "priority": one.priority,
                    "waited": round(waited),
                }
            )
        else:
            print(f"{one.id}  {one.speaker}  {one.reason}  {waited / 60:.0f} min")
    if not found and not as_json:
        print("Nobody waits.")


def candidates(file: File, as_json: AsJson = False) -> None:
    """List the questions that found no answer, the most asked first; they are approved over HTTP."""
    from feilun.storage import customer_service as storage
    from feilun.workflow.applications.customer_service.file import read_application

    with opened_database() as database, database.read() as connection:
        found = storage.candidates_of(connection, read_application(file).name)
    for one in found:
        if as_json:
            output.print_json({"candidate": one.id, "asked": one.asked, "question": one.question})
        else:
            print(f"{one.id}  {one.asked} ×  {one.question}")
    if not found and not as_json:
        print("No candidate.")


def measures(
    file: File,
    by: Annotated[str, typer.Option(help="all, day, channel or intent.")] = "all",
    days: Annotated[int, typer.Option(help="Conversations that began in the last days.", min=1)] = 30,
    csv: Annotated[Path | None, typer.Option(help="Write a table instead.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Say how well customers are served: answered, contained, handed over and why, how fast, how satisfied."""
    from feilun.workflow.applications.customer_service.file import read_application
    from feilun.workflow.applications.customer_service.measures import measures_of, write_csv

    with opened_database() as database:
        found, missing = measures_of(read_application(file), database, by, days)
    if csv is not None:
        write_csv(found, csv)
        print(f"{len(found)} rows are in {csv}.")
    elif as_json:
        rows = {name: own.to_json() for name, own in found.items()}
        output.print_json({"measures": rows, "unanswered": [list(one) for one in missing]})
    else:
        for name, own in found.items():
            print(name)
            for figure, value in own.to_json().items():
                print(f"  {figure:16} {'-' if value is None else value}")
        for question, asked in missing:
            print(f"no answer: {asked} ×  {question}")


def mine(
    file: File,
    days: Annotated[int, typer.Option(help="Conversations that began in the last days.", min=1)] = 30,
    as_json: AsJson = False,
) -> None:
    """Group what past conversations ask and the FAQ does not answer; each group becomes a candidate for the FAQ.

    Conversations are those of the application file and those that were held. Nothing goes live without approval.
    """
    from feilun.workflow.applications.customer_service.file import read_application
    from feilun.workflow.applications.customer_service.mining import mine as mined

    found = mined(read_application(file), days)
    for one in found:
        if as_json:
            output.print_json(
                {"question": one.question, "asked": one.asked, "answer": one.answer, "examples": list(one.examples)}
            )
        else:
            print(f"{one.asked} ×  {one.question}")
            for example in one.examples:
                print(f"      {example}")
            if one.answer:
                print(f"      → {one.answer}")
    if not found and not as_json:
        print("Nothing is asked that the FAQ does not answer.")


COMMANDS: tuple[Callable[..., Any], ...] = (handoffs, candidates, measures, mine)
