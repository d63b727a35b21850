"""Options that several verbs share, each declared once."""

from __future__ import annotations

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line, and nothing else.")]

Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set a key of the recipe; may be given again.", show_default=False),
]

Threads = Annotated[int | None, typer.Option(min=1, help="Processor threads; else all cores.", show_default=False)]

AcceptLicence = Annotated[
    bool, typer.Option("--accept-licence", help="Agree to the terms of a base that asks for it; recorded once.")
]

CostError = Annotated[
    float | None, typer.Option(min=0, help="What a wrong decision costs; goes with --cost-review.", show_default=False)
]

CostReview = Annotated[
    float | None, typer.Option(min=0, help="What it costs when a person decides a text.", show_default=False)
]

Port = Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0 takes a free one.")]
Host = Annotated[str, typer.Option(help="Address to listen on; any but this machine's own needs a token.")]
RequireToken = Annotated[
    bool, typer.Option("--require-token", help="Ask for a token also on this machine's own addresses.")
]
AllowHost = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="A further name to answer by; may be given again.", show_default=False),
]
