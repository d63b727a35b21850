"""`feilun models`: the registered bundles, which version of each answers, and adapters merged with their base."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from feilun.interfaces.cli import output
from feilun.interfaces.cli.database import opened_database
from feilun.interfaces.cli.options import AsJson, Threads

EXAMPLES = (
    "feilun models",
    "feilun models --json",
    "feilun models promote reviews@3",
    "feilun models rollback reviews",
    "feilun models fold reviews@3 --out out/whole",
)

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None, add_completion=False)


@app.callback()
def models(context: typer.Context, as_json: AsJson = False) -> None:
    """List the registered bundles: name, version, stage, figures, size.

    `feilun train` registers a bundle under its recipe's name where no --out is given; predict, evaluate and serve
    then take NAME or NAME@VERSION. NAME is the champion, or the newest version while nobody promoted one.
    """
    if context.invoked_subcommand is not None:
        return
    from feilun.workflow import inventory

    found = inventory.registered()
    if as_json:
        for bundle in found:
            output.print_json(bundle.to_json())
        return
    if not found:
        print("No bundle is registered yet. Make one: feilun quickstart, or feilun train RECIPE.toml")
        return
    from rich.table import Table

    table = Table("bundle", "stage", "created", "labels", "accuracy", "macro-F1", "size", box=None, pad_edge=False)
    for bundle in found:
        table.add_row(
            f"{bundle.name}@{bundle.version}", bundle.stage, bundle.created, str(bundle.labels),
            output.figure(bundle.accuracy), output.figure(bundle.macro_f1), f"{bundle.megabytes} MB",
        )  # fmt: skip
    output.result_console().print(table)


@app.command("promote", epilog=f"Example: {EXAMPLES[2]}")
def promote(bundle: Annotated[str, typer.Argument(help="NAME@VERSION.", show_default=False)]) -> None:
    """Make a version the champion; services that run take it within about a second."""
    from feilun.workflow.loop import releases

    with opened_database() as database:
        after = releases.promote(bundle, database)
    print(f"{bundle.partition('@')[0]}@{after.champion} is the champion.")


@app.command("rollback", epilog=f"Example: {EXAMPLES[3]}")
def rollback(name: Annotated[str, typer.Argument(help="The model's name.", show_default=False)]) -> None:
    """Make the champion before the champion again."""
    from feilun.workflow.loop import releases

    with opened_database() as database:
        after = releases.roll_back(name, database)
    print(f"{name}@{after.champion} is the champion again.")


@app.command("fold", epilog=f"Example: {EXAMPLES[4]}")
def fold(
    bundle: Annotated[
        str, typer.Argument(help="An adapter bundle: its folder, its name, or name@version.", show_default=False)
    ],
    out: Annotated[Path | None, typer.Option(help="The whole bundle's folder; else it is the next version.")] = None,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Merge a bundle that holds an adapter alone with the base that it shares.

    The whole bundle is float32, answers the same, and needs no other file; `feilun compress` can make it int8.
    """
    from feilun.bundles.bundle import open_bundle
    from feilun.workflow.finished.fold_bundle import fold_bundle

    made = fold_bundle(open_bundle(bundle, threads=threads), out)
    if as_json:
        output.print_json({"bundle": str(made.path), "hash": made.manifest["hash"]})
    else:
        print(f"The bundle is in {made.path}: whole, float32.")
