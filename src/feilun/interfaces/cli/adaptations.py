"""`feilun adaptations`: the ways in which a base's weights may move, and what each costs on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from feilun.interfaces.cli import output
from feilun.interfaces.cli.options import AsJson, Threads

EXAMPLES = ("feilun adaptations", "feilun adaptations --base multilingual-e5-small --json")

Base = Annotated[
    str | None,
    typer.Option("--base", help="Packaged name, hub id or folder; else a small one at hand.", show_default=False),
]
Seconds = Annotated[float, typer.Option(min=0.1, help="How long to train each.")]


def adaptations(base: Base = None, seconds: Seconds = 2.0, threads: Threads = None, as_json: AsJson = False) -> None:
    """Measure each adaptation on a base: weights that move, tokens a second, memory.

    Each trains for a few steps on made texts, by its defaults and in a process of its own. What it is good for stands
    in docs/adaptations.md.
    """
    from feilun.workflow.adaptations import costs, default_base

    name = base or default_base()
    console = output.progress_console()
    found = []
    with console.status(f"Training {name} in several ways …"):
        for cost in costs(name, seconds=seconds, threads=threads):
            found.append(cost)
            if as_json:
                output.print_json({"base": name, **cost.to_json()})
    if as_json:
        return
    from rich.table import Table

    columns = ("kind", "weights that move", "share", "learning rate", "tokens/s", "peak memory", "what it is")
    table = Table(*columns, title=f"model.adaptation.kind on {name}", box=None, pad_edge=False)
    for cost in found:
        table.add_row(
            cost.kind, f"{cost.moving:,}", f"{cost.share:.2%}", f"{cost.learning_rate:g}",
            f"{cost.tokens_per_second:,.0f}", f"{cost.peak_megabytes:,.0f} MB", cost.what,
        )  # fmt: skip
    output.result_console().print(table)
    print("frozen: the base runs once over the texts; the speed is that of later epochs.")
