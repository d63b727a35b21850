"""`feilun audit`: who did what, and the proof that nobody changed the record."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated

import typer

from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.database import opened_database
from feilun.interfaces.cli.help import Verbs, option
from feilun.interfaces.cli.options import AsJson

EXAMPLES = ("feilun audit show", "feilun audit verify")

app = Verbs(no_args_is_help=True)


@app.callback()
def audit() -> None:
    """Show and verify the audit log.

    Each entry is sealed by a hash over itself and the entry before. Note the last seal elsewhere: with --head, `verify`
    also finds that entries were cut off, or all of them written anew.

    查看并校验审计日志。

    每条记录都用自己和前一条的散列封住。请把最后一个封印另存一处：校验时用 `verify --head` 给出，末尾被截去或整本重写也
    能发现。
    """


@app.command(epilog=f"Example: {EXAMPLES[0]}")
def show(as_json: AsJson = False) -> None:
    """List the entries, the first first.

    列出全部记录，最早的在前。
    """
    from feilun.storage.audit import entries

    with opened_database() as opened, opened.read() as connection:
        for entry in entries(connection):
            if as_json:
                output.print_json(entry.to_json())
            else:
                details = ", ".join(f"{k} {v}" for k, v in json.loads(entry.details).items() if v not in (None, []))
                moment = datetime.fromtimestamp(entry.time)
                print(f"{entry.number}  {moment:%Y-%m-%d %H:%M:%S}  {entry.actor}  {entry.action}: {details}")


@app.command(epilog=f"Example: {EXAMPLES[1]}")
def verify(
    head: Annotated[
        str | None,
        option("A seal noted earlier that must be there.", "以前记下的封印，日志中必须能找到它。", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find tampering; the exit code is 1 where there is any.

    检查是否被篡改；有则退出码为 1。
    """
    from feilun.storage.audit import verify as find

    with opened_database() as opened, opened.read() as connection:
        verdict = find(connection, head)
    if as_json:
        output.print_json({"entries": verdict.entries, "head": verdict.head, "fault": verdict.fault})
    else:
        output.tell(
            Remark(
                f"{verdict.entries:,} entries are sound. Last seal: {verdict.head}",
                f"{verdict.entries:,} 条记录完好。最后一个封印：{verdict.head}",
            )
        )
        if verdict.fault:
            output.tell(verdict.fault)
    if verdict.fault:
        raise typer.Exit(1)
