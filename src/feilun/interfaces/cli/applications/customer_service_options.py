"""What the commands of `feilun customer-service` are given."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from feilun.core.errors import UsageError

File = Annotated[Path, typer.Argument(metavar="FILE", help="The application file, TOML.", show_default=False)]

Force = Annotated[
    str | None,
    typer.Option(
        metavar="REASON",
        help="Release it although conversations of the suite fall; the reason goes to the audit log.",
        show_default=False,
    ),
]


def reason(force: str | None) -> str | None:
    """Return why something is forced.

    Raises:
        UsageError: If it is forced without a reason.
    """
    if force is not None and not force.strip():
        raise UsageError("--force has no reason.", 'Say why, for the audit log: --force "the new opening hours"')
    return force
