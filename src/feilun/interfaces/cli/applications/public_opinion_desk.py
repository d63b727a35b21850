"""What an operator does with `feilun public-opinion`: incidents, rules tried, documents put right."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.applications.public_opinion_numbers import File
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
    identity: Annotated[str | None, typer.Argument(metavar="ID", help="Act on this one.", show_default=False)] = None,
    do: Annotated[str | None, typer.Option(help="acknowledge, mute, close or reopen it.", show_default=False)] = None,
    actor: Annotated[str, typer.Option(help="Who does it.")] = "operator",
    as_json: AsJson = False,
) -> None:
    """List incidents with their causes, or act on one."""
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
    rules: Annotated[Path | None, typer.Option(help="Rules to try; else those of the file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show how often rules would have fired in all that was counted, and on what."""
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
        str, typer.Argument(help="The document's key; `documents` and a report name it.", show_default=False)
    ],
    sentiment: Annotated[str | None, typer.Option(help="The right sentiment.", show_default=False)] = None,
    topic: Annotated[
        list[str] | None, typer.Option(help="A right topic; may be given again.", show_default=False)
    ] = None,
    entity: Annotated[
        list[str] | None, typer.Option(help="Whom it names in truth; may be given again.", show_default=False)
    ] = None,
    story: Annotated[
        str | None,
        typer.Option(help="Key of a document whose story it belongs to; its own parts it.", show_default=False),
    ] = None,
    actor: Annotated[str, typer.Option(help="Who says so.")] = "operator",
    as_json: AsJson = False,
) -> None:
    """Put right what a document was found to say, whom it names, or its story; both are kept, the numbers follow.

    The next `train` learns from corrected sentiments and topics.
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
    for line in summary(incident).splitlines():
        print(f"{indent}    {line}")


COMMANDS = (incidents, rules, correct)
"""In the order of `EXAMPLES`."""
