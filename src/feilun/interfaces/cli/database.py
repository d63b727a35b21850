"""`feilun database`: what is remembered, copies of it, and what is to be forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from feilun.core.remark import Remark, joined
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import Verbs, argument, option
from feilun.interfaces.cli.options import AsJson

if TYPE_CHECKING:
    from feilun.storage.database import Database

EXAMPLES = (
    "feilun database status",
    "feilun database backup feilun-backup.db",
    "feilun database restore feilun-backup.db",
    "feilun database forget --model reviews --older-than 90",
)

GONE = Remark(
    "it is no longer there, or cannot be changed: look for its copies", "它已不在原处，或者无法改动：请查找它的副本"
)

app = Verbs(no_args_is_help=True)


@app.callback()
def database() -> None:
    """Look after the database of observations and feedback.

    FEILUN_HOME/feilun.db, or PostgreSQL by FEILUN_DATABASE. What changes it is noted in the audit log.

    维护存放观测和反馈的数据库。

    即 FEILUN_HOME/feilun.db，或 FEILUN_DATABASE 指定的 PostgreSQL。对它的改动都记入审计日志。
    """


@contextmanager
def opened_database() -> Iterator[Database]:
    """Open the database for the length of a block."""
    from feilun.storage.database import open_database

    opened = open_database()
    try:
        yield opened
    finally:
        opened.close()


@app.command(epilog=f"Example: {EXAMPLES[0]}")
def status(as_json: AsJson = False) -> None:
    """Show where the database is and what it holds.

    显示数据库在哪里、存了什么。
    """
    from feilun.workflow.state import database_admin

    with opened_database() as opened:
        found = database_admin.holdings(opened)
    if as_json:
        output.print_json(found.to_json())
        return
    since = Remark("", "")
    if found.earliest is not None:
        day = f"{datetime.fromtimestamp(found.earliest):%Y-%m-%d}"
        since = Remark(f" since {day}", f"（自 {day}）")
    output.tell(
        Remark(f"{found.place}, schema {found.schema}", f"{found.place}，结构版本 {found.schema}"),
        Remark(
            f"{found.observations:,} observations{since}, {found.feedback:,} feedbacks",
            f"{found.observations:,} 条观测{since.chinese}，{found.feedback:,} 条反馈",
        ),
        *(f"  {bundle}" for bundle in found.bundles),
    )


@app.command(epilog=f"Example: {EXAMPLES[1]}")
def backup(
    file: Annotated[Path, argument("The copy to write.", "备份写到哪个文件。", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Copy the database while it is in use.

    备份数据库，不影响使用。
    """
    from feilun.workflow.state import database_admin

    with opened_database() as opened:
        database_admin.back_up(opened, file)
    _done({"backup": str(file), "bytes": file.stat().st_size}, Remark(f"Copied: {file}", f"已复制：{file}"), as_json)


@app.command(epilog=f"Example: {EXAMPLES[2]}")
def restore(
    file: Annotated[Path, argument("A copy that `backup` wrote.", "`backup` 写出的备份。", show_default=False)],
    yes: Annotated[bool, option("Do not ask.", "不再询问，直接执行。", "--yes")] = False,
    as_json: AsJson = False,
) -> None:
    """Replace all that the database holds by a copy of it.

    用备份替换数据库的全部内容。
    """
    from feilun.workflow.state import database_admin

    with opened_database() as opened:
        held = database_admin.holdings(opened)
        if not yes and held.observations:
            question = Remark(
                f"Replace {held.observations:,} observations by what is in {file}?",
                f"用 {file} 的内容替换现有的 {held.observations:,} 条观测吗？",
            )
            typer.confirm(output.said(question), abort=True)
        database_admin.restore(opened, file)
        held = database_admin.holdings(opened)
    said = Remark(f"Restored: {held.observations:,} observations.", f"已恢复：{held.observations:,} 条观测。")
    _done({"restored": str(file), **held.to_json()}, said, as_json)


@app.command(epilog=f"Example: {EXAMPLES[3]}")
def forget(
    model: Annotated[str | None, option("Only of this model.", "只限这个模型。", show_default=False)] = None,
    older_than: Annotated[
        float | None,
        option("Only older than so many days.", "只限早于这么多天的。", min=0, metavar="DAYS", show_default=False),
    ] = None,
    observation: Annotated[
        list[str] | None,
        option("Only this one; may be given again.", "只限这一条；可以重复给出。", metavar="ID", show_default=False),
    ] = None,
    containing: Annotated[
        str | None,
        option(
            "Only those whose stored texts or columns hold this.",
            "只限存下的文本或列里含有这段文字的。",
            metavar="TEXT",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Delete observations that meet every condition given, with the feedback on them.

    Their rows in tables that `feilun label export` wrote are deleted too, where these are still in their place.

    删除同时符合所给各项条件的观测，连同其反馈。

    `feilun label export` 写出的表格若还在原处，其中对应的行也一并删除。
    """
    from feilun.workflow.state import database_admin

    with opened_database() as opened:
        found = database_admin.forget(
            opened, model=model, older_than_days=older_than, identities=observation or (), containing=containing
        )
    facts: dict[str, object] = {"deleted": found.observations, "exported": found.exported}
    sentences = [
        Remark(f"{found.observations:,} observations deleted.", f"已删除 {found.observations:,} 条观测。"),
    ]
    for path, rows in found.exported.items():
        said = GONE if rows is None else Remark(f"{rows:,} rows", f"{rows:,} 行")
        sentences.append(joined([f"  {path}", said], ": ", "："))
    _done(facts, joined(sentences, "\n", "\n"), as_json)


def _done(facts: dict[str, object], sentence: str, as_json: bool) -> None:
    if as_json:
        output.print_json(facts)
    else:
        output.tell(sentence)
