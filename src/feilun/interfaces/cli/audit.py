"""`feilun audit`: who did what, and the proof that nobody changed the record."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated

import typer

from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.database import opened_database
from feilun.interfaces.cli.options import AsJson

EXAMPLES = ("feilun audit show", "feilun audit verify")

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)


@app.callback()
def audit() -> None:
    """Show and verify the audit log.

    Each entry is sealed by a hash over itself and the entry before. Note the last seal elsewhere: with --head, `verify`
    also finds that entries were cut off, or all of them written anew.
    """


@app.command(epilog=f"Example: {EXAMPLES[0]}")
def show(as_json: AsJson = False) -> None:
    """List the entries, the first first."""
    from feilun.storage.audit import entries

    with opened_database() as opened, opened.read() as connection:
        for entry in entries(connection):
            if as_json:
                output.print_json(entry.to_json())
            else:
                details = ", ".join(f"{k} {v}" for k, v in json.loads(entry.details).items() if v not in (None, []))
                moment = datetime.fromtimestamp(entry.time)
                print(f"{entry.number}  {moment:%Y-%m-%d %H:%M:%S}  {entry.actor}  {entry.action}: {details}")


@app.command(epilog=f"Example: {EXAMPLES[1]}")
def verify(
    head: Annotated[
        str | None, typer.Option(help="A seal noted earlier that must be there.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find tampering; the exit code is 1 where there is any."""
    from feilun.storage.audit import verify as find

    with opened_database() as opened, opened.read() as connection:
        verdict = find(connection, head)
    if as_json:
        output.print_json({"entries": verdict.entries, "head": verdict.head, "fault": verdict.fault})
    else:
        output.tell(
            Remark(
                f"{verdict.entries:,} entries are sound. Last seal: {verdict.head}",
                f"{verdict.entries:,} 条记录完好。最后一个封印：{verdict.head}",
            )
        )
        if verdict.fault:
            output.tell(verdict.fault)
    if verdict.fault:
        raise typer.Exit(1)
