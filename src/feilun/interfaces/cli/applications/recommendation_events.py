"""`feilun recommendation events`, `refused` and `forget`: what is known of users, and what could not be."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from feilun.core.remark import Remark, joined
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import argument, option
from feilun.interfaces.cli.options import AsJson

EXAMPLES = (
    "feilun recommendation events shop.toml new.csv",
    "feilun recommendation refused shop.toml",
    "feilun recommendation forget shop.toml USER",
)

TABLES_ZH = {"interactions": "行为", "rankings": "列表"}

File = Annotated[Path, argument("The application's TOML file.", "应用文件，TOML 格式。", show_default=False)]


def events(
    file: File, table: Annotated[str, argument("Table of interactions.", "行为表。", show_default=False)],
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Import a table of interactions; those whose ids are known are left out.

    导入一张行为表；id 已知的略过。
    """
    from feilun.storage.database import open_database
    from feilun.workflow.applications.recommendation.file import read_application
    from feilun.workflow.applications.recommendation.tables import import_events, listed, put_events

    settings = read_application(file)
    found = import_events(table)
    database = open_database()
    try:
        new = put_events(database, settings, found.rows)
    finally:
        database.close()
    if as_json:
        output.print_json({"taken": new, "repeated": len(found.rows) - new, "left_out": found.left_out})
        return
    known = len(found.rows) - new
    output.tell(
        Remark(
            f"{new:,} new events, {known:,} known already, {found.left_out:,} could not be read.",
            f"新事件 {new:,} 个，已有 {known:,} 个，无法读取 {found.left_out:,} 个。",
        )
    )
    for fault in found.faults:
        output.tell(listed(fault))


def refused(
    file: File,
    clear: Annotated[bool, option("Delete what was shown.", "删除列出的消息。", "--clear")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the messages of the broker that could not be read as events, with the reasons.

    With --json each is a line whose `record` can be mended and imported by `events`.

    显示从消息队列收到却无法识别为行为的消息及原因。

    加 --json 时每行一条，其中的 `record` 改好后可以用 `events` 导入。
    """
    from feilun.workflow.applications.recommendation.file import read_application
    from feilun.workflow.applications.recommendation.tables import refused_messages

    messages = refused_messages(read_application(file))
    found = messages.all()
    for one in found:
        if as_json:
            output.print_json(asdict(one))
        else:
            print(f"{one.source}: {one.reason}\n  {one.raw or dict(one.record)}")
    if not found and not as_json:
        output.tell(Remark("No message was refused.", "没有被拒收的消息。"))
    if found and clear:
        messages.clear(found[-1].time)


def forget(
    file: File, user: Annotated[str, argument("Who.", "用户。", show_default=False)], as_json: AsJson = False
) -> None:
    """Delete all that a user did and was shown.

    删除一位用户的全部行为和向他展示过的列表。
    """
    from feilun.storage.database import open_database
    from feilun.workflow.applications.recommendation.file import read_application
    from feilun.workflow.applications.recommendation.tables import forget_user

    settings = read_application(file)
    database = open_database()
    try:
        gone = forget_user(settings, database, user)
    finally:
        database.close()
    if as_json:
        output.print_json(gone)
    else:
        told = [
            Remark(f"{count:,} {name} deleted", f"已删除{TABLES_ZH.get(name, name)} {count:,} 行")
            for name, count in gone.items()
        ]
        output.tell(joined(told, ", ", "，"))
