"""`feilun serve`: bundles answer over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.options import AllowHost, Host, Port, RequireToken, Threads

EXAMPLES = (
    "feilun serve out/model --port 8080",
    "feilun serve finance-sentiment reviews@3",
    "feilun serve reviews --shadow reviews@4",
    "feilun serve reviews --canary reviews@4=0.1",
)


def serve(
    bundles: Annotated[list[str], typer.Argument(help="Bundles: folders, names, or name@version.", show_default=False)],
    port: Port = 8080,
    host: Host = "127.0.0.1",
    threads: Threads = None,
    observe: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the predictions to remember, personal data replaced.")
    ] = 1.0,
    require_token: RequireToken = False,
    allow_host: AllowHost = None,
    shadow: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME@VERSION", help="Ask this version along and tell nobody.", show_default=False),
    ] = None,
    canary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME@VERSION=SHARE", help="Let this version answer a share of the requests.", show_default=False
        ),
    ] = None,
    max_waiting: Annotated[
        int, typer.Option(min=1, help="Requests that may wait for one model; further ones get 503.")
    ] = 256,
    client_share: Annotated[
        float, typer.Option(min=0.001, max=1, help="Share of these that one client may have waiting; then it gets 429.")
    ] = 0.5,
    deadline: Annotated[float, typer.Option(min=0.01, help="Seconds after which a request is given up.")] = 10.0,
    max_texts: Annotated[int, typer.Option(min=1, help="Most texts of a request.")] = 1000,
    max_characters: Annotated[int, typer.Option(min=1, help="Longest text.")] = 100_000,
    logs: Annotated[
        Literal["text", "json"], typer.Option("--log", help="text: warnings; json: also every request, a line each.")
    ] = "text",
    max_body: Annotated[int, typer.Option(min=1, metavar="BYTES", help="Largest body.")] = 2 * 1024 * 1024,
) -> None:
    """Serve bundles over HTTP until Ctrl-C.

    POST /v1/predict/NAME answers one text or a list; /docs shows every address with examples. What it answers is
    remembered in the database (FEILUN_HOME/feilun.db, or FEILUN_DATABASE), so that it can be watched and corrected.
    A model named without a version follows its champion: `feilun models promote` reaches the running service.
    """
    from feilun.interfaces.http.app import create_app
    from feilun.interfaces.http.json_lines import log_as_json
    from feilun.serving.limits import Limits
    from feilun.workflow import service

    if logs == "json":
        log_as_json()
    limits = Limits(
        requests=max_waiting,
        client_share=client_share,
        seconds=deadline,
        texts=max_texts,
        characters=max_characters,
        body_bytes=max_body,
    )  # fmt: skip
    service.serve(
        bundles, create_app, host=host, port=port, threads=threads, observe=observe, limits=limits,
        require_token=require_token, hosts=allow_host or (), trials=trials_of(shadow or (), canary or ()),
        say=output.tell,
    )  # fmt: skip


def trials_of(shadows: Sequence[str], canaries: Sequence[str]) -> dict[str, float]:
    """Read the two options into versions and their shares.

    Raises:
        UsageError: If a share is no number above 0.
    """
    shares = dict.fromkeys(shadows, 0.0)
    for given in canaries:
        reference, _, share = given.rpartition("=")
        try:
            shares[reference] = float(share)
        except ValueError:
            shares[reference] = 0.0
        if not shares[reference] > 0:
            raise UsageError(
                Remark(f"--canary {given} names no share.", f"--canary {given} 没有写明份额。"),
                Remark(
                    "Write --canary NAME@VERSION=0.1 for a tenth.", "请写成 --canary NAME@VERSION=0.1，表示十分之一。"
                ),
            )
    return shares
