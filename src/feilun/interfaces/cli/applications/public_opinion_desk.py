"""What an operator does with `feilun public-opinion`: incidents, rules tried, documents put right."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.applications.public_opinion_numbers import File
from feilun.interfaces.cli.help import argument, option
from feilun.interfaces.cli.options import AsJson

if TYPE_CHECKING:
    from feilun.apps.public_opinion.incidents import Incident

EXAMPLES = (
    "feilun public-opinion incidents examples/public_opinion.toml",
    "feilun public-opinion rules examples/public_opinion.toml --rules rules.toml",
    "feilun public-opinion correct examples/public_opinion.toml KEY --sentiment neutral",
)


STATES = {
    "open": Remark("open", "未处理"),
    "acknowledged": Remark("acknowledged", "已确认"),
    "muted": Remark("muted", "已静音"),
    "closed": Remark("closed", "已关闭"),
}
SEVERITIES = {
    "moderate": Remark("moderate", "一般"),
    "high": Remark("high", "严重"),
    "critical": Remark("critical", "危急"),
}


def incidents(
    file: File,
    identity: Annotated[
        str | None, argument("Act on this one.", "要处理的事件。", metavar="ID", show_default=False)
    ] = None,
    do: Annotated[
        str | None,
        option(
            "acknowledge, mute, close or reopen it.",
            "处理方式：acknowledge（确认）、mute（静音）、close（关闭）或 reopen（重新打开）。",
            show_default=False,
        ),
    ] = None,
    actor: Annotated[str, option("Who does it.", "处理人。")] = "operator",
    as_json: AsJson = False,
) -> None:
    """List incidents with their causes, or act on one.

    列出事件及其起因，或处理其中一个。
    """
    from feilun.core.errors import UsageError
    from feilun.workflow.applications.public_opinion import desk
    from feilun.workflow.applications.public_opinion.wiring import opened

    if (identity is None) != (do is None):
        raise UsageError(
            Remark("An incident and what to do with it go together.", "事件和要对它做的操作要一起给出。"),
            Remark("feilun public-opinion incidents --help", "用法：feilun public-opinion incidents --help"),
        )
    with opened(file) as application:
        found = desk.listed(application) if identity is None else [desk.act(application, identity, do or "", actor)]
    for one in found:
        if as_json:
            output.print_json(one.to_json())
        else:
            show(one)
    if not found and not as_json:
        output.tell(Remark("No incident.", "没有事件。"))


def rules(
    file: File,
    rules: Annotated[
        Path | None, option("Rules to try; else those of the file.", "要试的规则；默认用应用文件里的。")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how often rules would have fired in all that was counted, and on what.

    说明规则在全部已有计数上会触发多少次、因何触发。
    """
    from feilun.apps.public_opinion.rules import read_rules
    from feilun.storage import opinion
    from feilun.workflow.applications.public_opinion.wiring import opened, preview

    with opened(file) as application:
        names = [entity.name for entity in application.gazetteer.entities]
        channels = application.settings.channels
        tried = read_rules(rules, application.scheme.names, names, channels) if rules else application.rules
        found = preview(application, tried)
        with application.database.read() as connection:
            first, last = opinion.span(connection)
    days = math.ceil(((last or 0.0) - (first or 0.0)) / opinion.DAY)
    for rule in tried:
        fired = [one for one in found if one.peak.rule == rule.name]
        if as_json:
            output.print_json({"rule": rule.name, "days": days, "incidents": [one.to_json() for one in fired]})
            continue
        output.tell(
            Remark(
                f"{rule.name}: would have fired {len(fired)} times in {days:,} days.",
                f"{rule.name}：在 {days:,} 天中会触发 {len(fired)} 次。",
            )
        )
        for one in fired:
            show(one, indent="  ")


def correct(
    file: File,
    key: Annotated[
        str,
        argument(
            "The document's key; `documents` and a report name it.",
            "文档的键，`documents` 和报告里都有。",
            show_default=False,
        ),
    ],
    sentiment: Annotated[str | None, option("The right sentiment.", "正确的情感。", show_default=False)] = None,
    topic: Annotated[
        list[str] | None, option("A right topic; may be given again.", "正确的话题；可以重复给出。", show_default=False)
    ] = None,
    entity: Annotated[
        list[str] | None,
        option("Whom it names in truth; may be given again.", "文中真正提到的主体；可以重复给出。", show_default=False),
    ] = None,
    story: Annotated[
        str | None,
        option(
            "Key of a document whose story it belongs to; its own parts it.",
            "同一篇报道中另一篇文档的键；写它自己的键则单独成篇。",
            show_default=False,
        ),
    ] = None,
    actor: Annotated[str, option("Who says so.", "由谁更正。")] = "operator",
    as_json: AsJson = False,
) -> None:
    """Put right what a document was found to say, whom it names, or its story; both are kept, the numbers follow.

    The next `train` learns from corrected sentiments and topics.

    更正一篇文档的判断结果、提到的主体或所属的报道；原判断与更正都保留，计数随之更新。

    下次 `train` 会从更正过的情感和话题中学习。
    """
    from feilun.workflow.applications.public_opinion import desk
    from feilun.workflow.applications.public_opinion.wiring import opened

    with opened(file) as application:
        right = desk.Correction(sentiment, topic or None, entity or None, story)
        corrected = desk.correct(application, key, right, actor)
    if as_json:
        output.print_json(corrected)
    else:
        output.tell(Remark(f"Corrected: {corrected['document']}", f"已更正：{corrected['document']}"))


def show(incident: Incident, indent: str = "") -> None:
    """Print an incident with its cause."""
    from feilun.apps.public_opinion.summary import summary

    day = time.strftime("%Y-%m-%d %H:%M", time.gmtime(incident.opened))
    state = f"{day} UTC  {output.said(STATES[incident.state])}  {output.said(SEVERITIES[incident.severity])}"
    print(f"{indent}{incident.id}  {state}  {incident.entity}  {incident.title}")
    for line in summary(incident, output.language()).splitlines():
        print(f"{indent}    {line}")


COMMANDS = (incidents, rules, correct)
"""In the order of `EXAMPLES`."""
