"""`feilun quickstart`: the whole loop, on the packaged sample or on your own file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from feilun.interfaces.cli import output
from feilun.interfaces.cli.options import AsJson

EXAMPLES = (
    "feilun quickstart",
    "feilun quickstart --data reviews.csv --text content --target label",
)


def quickstart(
    data: Annotated[
        Path | None, typer.Option(help="Your own table, or a folder with train, dev and test; else packaged reviews.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Its column of texts; else the likeliest is taken.")] = None,
    target: Annotated[str | None, typer.Option(help="Its column of labels; else the likeliest is taken.")] = None,
    base: Annotated[str | None, typer.Option(help="A base model; else the one that fits the language.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the whole loop in minutes: data, training, report, bundle, predictions.

    Ends with the commands to serve the bundle and to use your own file.
    """
    from feilun.workflow.getting_started import quickstart as loop
    from feilun.workflow.screen import Terminal

    screen = Terminal(output.progress_console() if as_json else output.result_console(), output.language())
    bundle = loop.quickstart(data, text, target, base, screen=screen)
    if as_json:
        output.print_json({"bundle": str(bundle.path), "hash": bundle.manifest["hash"], **bundle.report.to_json()})
