"""`feilun serve`: bundles answer over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from feilun.interfaces.cli.options import Threads

EXAMPLES = (
    "feilun serve out/model --port 8080",
    "feilun serve finance-sentiment reviews@3",
)


def serve(
    bundles: Annotated[list[str], typer.Argument(help="Bundles: folders, names, or name@version.", show_default=False)],
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0 takes a free one.")] = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on; only one of this machine's own.")] = "127.0.0.1",
    threads: Threads = None,
    observe: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the predictions to remember, personal data replaced.")
    ] = 1.0,
) -> None:
    """Serve bundles over HTTP until Ctrl-C.

    POST /v1/predict/NAME answers one text or a list; /docs shows every address with examples. What it answers is
    remembered in the database (FEILUN_HOME/feilun.db, or FEILUN_DATABASE), so that it can be watched and corrected.
    """
    from feilun.interfaces.http.app import create_app
    from feilun.workflow import service

    service.serve(
        bundles, create_app, host=host, port=port, threads=threads, observe=observe,
        say=lambda line: print(line, flush=True),
    )  # fmt: skip
