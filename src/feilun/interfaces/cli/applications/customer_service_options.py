"""What the commands of `feilun customer-service` are given."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from feilun.core.errors import UsageError
from feilun.core.remark import Remark

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
        raise UsageError(
            Remark("--force has no reason.", "--force 没有理由。"),
            Remark(
                'Say why, for the audit log: --force "the new opening hours"',
                '请写明理由，供审计日志记录：--force "新的营业时间"',
            ),
        )
    return force
