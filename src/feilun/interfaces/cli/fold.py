"""`feilun fold`: an adapter bundle becomes a whole one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from feilun.interfaces.cli import output
from feilun.interfaces.cli.options import AsJson, Threads

EXAMPLES = ("feilun fold out/adapter --out out/whole", "feilun fold news@3")


def fold(
    bundle: Annotated[
        str, typer.Argument(help="An adapter bundle: its folder, its name, or name@version.", show_default=False)
    ],
    out: Annotated[Path | None, typer.Option(help="The whole bundle's folder; else it is the next version.")] = None,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Merge an adapter bundle with the base that it stands on.

    The whole bundle is float32, answers the same, and needs no other file; `feilun compress` can make it int8.
    """
    from feilun.bundles.bundle import open_bundle
    from feilun.workflow.fold_bundle import fold_bundle

    made = fold_bundle(open_bundle(bundle, threads=threads), out)
    if as_json:
        output.print_json({"bundle": str(made.path), "hash": made.manifest["hash"]})
    else:
        print(f"The bundle is in {made.path}: whole, float32.")
