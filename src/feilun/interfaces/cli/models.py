"""`feilun models`: the registered bundles."""

from __future__ import annotations

from feilun.interfaces.cli import output
from feilun.interfaces.cli.options import AsJson

EXAMPLES = ("feilun models", "feilun models --json")


def models(as_json: AsJson = False) -> None:
    """List the registered bundles: name, version, figures, size.

    `feilun train` registers a bundle under its recipe's name where no --out is given; predict, evaluate and serve
    then take NAME or NAME@VERSION.
    """
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

    table = Table("bundle", "created", "labels", "accuracy", "macro-F1", "size", box=None, pad_edge=False)
    for bundle in found:
        table.add_row(
            f"{bundle.name}@{bundle.version}", bundle.created, str(bundle.labels), output.figure(bundle.accuracy),
            output.figure(bundle.macro_f1), f"{bundle.megabytes} MB",
        )  # fmt: skip
    output.result_console().print(table)
