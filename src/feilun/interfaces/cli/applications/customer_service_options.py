"""What the commands of `feilun customer-service` are given."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.interfaces.cli.help import argument, option

File = Annotated[
    Path, argument("The application file, TOML.", "应用文件，TOML 格式。", metavar="FILE", show_default=False)
]

Force = Annotated[
    str | None,
    option(
        "Release it although conversations of the suite fall; the reason goes to the audit log.",
        "测试集里有对话不通过也照样发布；理由记入审计日志。",
        metavar="REASON",
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
