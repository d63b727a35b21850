"""`feilun doctor`: what this machine can do, and what is missing."""

from __future__ import annotations

import typer

from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.options import AsJson

EXAMPLES = ("feilun doctor", "feilun doctor --json")

MARKS = {"ok": ("✓", "green"), "note": ("!", "yellow"), "missing": ("✗", "red")}
"""How each state is shown: a sign and its colour."""

HEADS = (Remark("what", "检查项"), Remark("found", "现状"), Remark("what to do", "如何解决"))


def doctor(as_json: AsJson = False) -> None:
    """Say what this machine can do, what is missing, and the command that mends it.

    Exit code 1 where something that bundles need is missing.

    检查这台机器能做什么、缺什么，并给出补齐的命令。

    缺少模型包必需的东西时退出码为 1。
    """
    from feilun.workflow.getting_started.doctor import examine

    findings = list(examine())
    if as_json:
        for finding in findings:
            output.print_json(finding.to_json())
    else:
        from rich.text import Text

        table = output.table("", *HEADS)
        for finding in findings:
            said = map(output.said, (finding.name, finding.found, finding.remedy))
            table.add_row(Text(*MARKS[finding.state]), *said)
        output.result_console().print(table)
    if any(finding.vital and finding.state == "missing" for finding in findings):
        raise typer.Exit(1)
