"""`feilun label`: which texts to label, and the labels that people filled in."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from feilun.interfaces.cli import output
from feilun.interfaces.cli.options import AsJson

EXAMPLES = (
    "feilun label suggest reviews",
    "feilun label export reviews --out queue.csv --count 200",
    "feilun label import reviews queue.csv",
)

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)

OfBundle = Annotated[str, typer.Argument(help="A bundle: its folder, its name, or name@version.", show_default=False)]
Count = Annotated[int, typer.Option(min=1, help="How many texts.")]

SHOWN = 60


@app.callback()
def label() -> None:
    """Suggest which served texts to label, and take the labels.

    What people called wrong comes first, then what versions of the model disagree on, then what it left to a person,
    then its lowest scores.
    """


@app.command("suggest", epilog=f"Example: {EXAMPLES[0]}")
def suggest(bundle: OfBundle, count: Count = 20, as_json: AsJson = False) -> None:
    """Show the texts that are most worth labelling."""
    from feilun.bundles.bundle import open_bundle
    from feilun.storage.database import open_database
    from feilun.workflow import label as labelling

    opened = open_bundle(bundle, threads=1)
    with closing(open_database()) as database:
        found = labelling.queue(opened, database, count)
    if as_json:
        for suggestion in found:
            one = suggestion.observation
            output.print_json({"observation": one.id, "text": one.text, "predicted": one.label, "score": one.score,
                               "reason": suggestion.reason})  # fmt: skip
        return
    if not found:
        print(f"Nothing that {opened.name} answered waits for a label. `feilun serve` observes what it answers.")
        return
    from rich.table import Table
    from rich.text import Text

    table = Table("reason", "predicted", "score", "text", box=None, pad_edge=False)
    for suggestion in found:
        one = suggestion.observation
        text = " ".join(one.text.split())
        shown = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
        table.add_row(suggestion.reason, Text(str(one.label)), output.figure(one.score), Text(shown))
    output.result_console().print(table)


@app.command("export", epilog=f"Example: {EXAMPLES[1]}")
def export(
    bundle: OfBundle,
    out: Annotated[Path, typer.Option(help="The CSV file to write.", show_default=False)],
    count: Count = 100,
    as_json: AsJson = False,
) -> None:
    """Write the texts that are most worth labelling as CSV, with an empty column for the label."""
    from feilun.bundles.bundle import open_bundle
    from feilun.storage.database import open_database
    from feilun.workflow import exports
    from feilun.workflow import label as labelling

    opened = open_bundle(bundle, threads=1)
    with closing(open_database()) as database:
        found = labelling.queue(opened, database, count)
        labelling.write_queue(found, out)
        with database.write() as connection:
            exports.note(connection, out, len(found))
    if as_json:
        output.print_json({"texts": len(found), "out": str(out), "labels": list(opened.labels.names)})
        return
    print(f"{len(found):,} texts: {out}. Fill in the column label ({', '.join(opened.labels.names[:10])}), then:")
    print(f"feilun label import {bundle} {out}")


@app.command("import", epilog=f"Example: {EXAMPLES[2]}")
def import_(
    bundle: OfBundle,
    table: Annotated[Path, typer.Argument(help="The CSV file that was filled in.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Take the labels that were filled in; reading the same table again takes nothing twice."""
    from feilun.bundles.bundle import open_bundle
    from feilun.storage.database import open_database
    from feilun.workflow import label as labelling

    opened = open_bundle(bundle, threads=1)
    with closing(open_database()) as database:
        result = labelling.take(opened, database, table)
    if as_json:
        output.print_json(result.to_json())
    else:
        print(
            f"{result.taken:,} labels taken, {result.repeated:,} taken before, {result.empty:,} rows without a label."
        )
        for line in result.refused:
            print(f"  {line}")
    if result.refused:
        raise typer.Exit(1)
