"""What `feilun customer-service` has released, and how it goes back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any

from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.applications.customer_service_options import File, Force, reason
from feilun.interfaces.cli.database import opened_database
from feilun.interfaces.cli.help import option
from feilun.interfaces.cli.options import AsJson

EXAMPLES = (
    "feilun customer-service releases examples/customer_service.toml",
    "feilun customer-service rollback examples/customer_service.toml",
)


def releases(file: File, as_json: AsJson = False) -> None:
    """List the releases that are kept, the newest first: when, which model, how much is known.

    列出保留的各次发布，最新的在前：时间、模型、知识量。
    """
    from feilun.storage.customer_service_releases import releases_of
    from feilun.workflow.applications.customer_service.file import read_application

    with opened_database() as database, database.read() as connection:
        found = releases_of(connection, read_application(file).name)
    for one in found:
        bundle = None if one.version is None else one.version["bundle"]
        if as_json:
            output.print_json(
                {"release": one.number, "time": one.time, "bundle": bundle, "known": dict(one.counts),
                 "restored": one.restored}
            )  # fmt: skip
        else:
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.time))
            known = ", ".join(f"{count} {kind}" for kind, count in sorted(one.counts.items()))
            back = Remark(f"  (release {one.restored} again)", f"（退回到第 {one.restored} 次发布）")
            print(f"{one.number}  {when}  {bundle or '-'}  {known or '-'}", end="")
            output.tell(Remark("", "") if one.restored is None else back)
    if not found and not as_json:
        output.tell(Remark("No release.", "还没有发布。"))


def rollback(
    file: File,
    to: Annotated[
        int | None,
        option(
            "The release; else the one before the one that stands.",
            "要恢复的发布；默认为当前发布的前一个。",
            show_default=False,
        ),
    ] = None,
    approved: Annotated[
        bool,
        option(
            "Also what people approved goes back to what it was then.",
            "人工审批通过的内容也一并恢复到当时。",
            "--approved",
        ),
    ] = False,
    force: Force = None,
    as_json: AsJson = False,
) -> None:
    """Put an earlier release back: its model, its thresholds and what was imported; the audit log tells of it.

    What stood until then is kept as a release. A service that runs answers from it at once.

    恢复到较早的一次发布：模型、阈值和当时导入的内容；审计日志会记下。

    在此之前的状态也留作一次发布。运行中的服务随即按恢复的内容回答。
    """
    from feilun.workflow.applications.customer_service.file import read_application
    from feilun.workflow.applications.customer_service.rollback import roll_back
    from feilun.workflow.screen import Terminal

    say = Terminal(output.progress_console(), output.language()).say
    with opened_database() as database:
        found = roll_back(read_application(file), database, to, approved=approved, force=reason(force), say=say)
    if as_json:
        output.print_json({"restored": found.number})
    else:
        output.tell(Remark(f"Release {found.number} answers again.", f"第 {found.number} 次发布重新开始回答。"))


COMMANDS: tuple[Callable[..., Any], ...] = (releases, rollback)
