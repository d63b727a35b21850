"""What `feilun public-opinion` shows: trends, the documents behind them, new themes, and the report."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.options import AsJson

if TYPE_CHECKING:
    from feilun.apps.public_opinion.trends import Trend

EXAMPLES = (
    "feilun public-opinion trends examples/public_opinion.toml --days 30",
    "feilun public-opinion compare examples/public_opinion.toml 青禾汽车 --region 广东 --region 上海",
    "feilun public-opinion documents examples/public_opinion.toml 召回 --sentiment negative --days 30",
    "feilun public-opinion emergent examples/public_opinion.toml --days 7",
    "feilun public-opinion report examples/public_opinion.toml --out report",
)

File = Annotated[Path, typer.Argument(help="The application file, TOML.", show_default=False)]
Days = Annotated[float | None, typer.Option(min=0, help="Only the last so many days.", show_default=False)]


def trends(
    file: File,
    days: Days = None,
    topic: Annotated[str, typer.Option(help="Only this topic.")] = "",
    source: Annotated[str, typer.Option(help="Only this source.")] = "",
    region: Annotated[str, typer.Option(help="Only this region.")] = "",
    by: Annotated[str, typer.Option(help="entity, topic, source or region.")] = "entity",
    entity: Annotated[str, typer.Option(help="Only this entity.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show what is said of whom: documents, negative share, share of voice, sentiment index."""
    from feilun.apps.public_opinion.trends import SIDES, trends_by
    from feilun.apps.public_opinion.trends import trends as all_trends
    from feilun.core.errors import UsageError, nearest
    from feilun.storage import opinion
    from feilun.workflow.applications.public_opinion.wiring import opened

    side = next((one for one in SIDES if one == by), None)
    if side is None:
        raise UsageError(Remark(f"--by cannot be {by!r}.", f"--by 不能是 {by!r}。"), nearest(by, SIDES))
    with opened(file) as application, application.database.read() as connection:
        since = opinion.since_days(connection, days)
        scope: dict[str, Any] = {"since": since, "source": source, "region": region}
        everything = all_trends(connection, application.width, topic="", entity="", **scope)
        found = trends_by(connection, application.width, side, entity=entity, topic=topic, **scope)
    _show(found, everything, as_json)


def compare(
    file: File,
    entities: Annotated[list[str] | None, typer.Argument(metavar="COMPANY", help="Companies.")] = None,
    topic: Annotated[list[str] | None, typer.Option(help="Of this topic; may be given again.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Of this source; may be given again.")] = None,
    region: Annotated[list[str] | None, typer.Option(help="Of this region; may be given again.")] = None,
    days: Days = None,
    as_json: AsJson = False,
) -> None:
    """Show companies side by side, or what is said of one in several regions, sources or topics."""
    from feilun.apps.public_opinion.trends import Side, compared
    from feilun.apps.public_opinion.trends import trends as all_trends
    from feilun.storage import opinion
    from feilun.workflow.applications.public_opinion.wiring import opened

    sides: dict[Side, list[str]] = {
        "entity": entities or [], "topic": topic or [], "source": source or [], "region": region or [],
    }  # fmt: skip
    with opened(file) as application, application.database.read() as connection:
        since = opinion.since_days(connection, days)
        everything = all_trends(connection, application.width, topic="", entity="", since=since)
        found, unknown = compared(connection, application.width, sides, since=since)
    _show(found, everything, as_json)
    for name in unknown:
        print(output.said(Remark(f"Nothing is told of {name!r}.", f"没有关于 {name!r} 的文档。")), file=sys.stderr)


def _show(found: Sequence[Trend], everything: Sequence[Trend], as_json: bool) -> None:
    """Print series with their share of all documents."""
    from feilun.workflow.applications.public_opinion.demo import show
    from feilun.workflow.screen import Terminal

    total = int(everything[0].documents.sum()) if everything else 0
    rows = [one.summary(total) for one in found]
    if not as_json:
        return show(rows, Terminal(output.result_console(), output.language()))
    for row in rows:
        output.print_json(row)
    return None


def documents(
    file: File,
    words: Annotated[str, typer.Argument(help="Words that title or body holds, all of them.", show_default=False)] = "",
    incident: Annotated[str, typer.Option(metavar="ID", help="Those that this incident counts.")] = "",
    entity: Annotated[str, typer.Option(help="Only of this entity.")] = "",
    topic: Annotated[str, typer.Option(help="Only of this topic.")] = "",
    sentiment: Annotated[str, typer.Option(help="negative, neutral or positive.")] = "",
    source: Annotated[str, typer.Option(help="Only this source.")] = "",
    region: Annotated[str, typer.Option(help="Only this region.")] = "",
    days: Days = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the latest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show documents with their keys: found by words and what they say, or those of an incident."""
    from feilun.apps.public_opinion.queries import Question, search
    from feilun.apps.public_opinion.wording import SENTIMENTS
    from feilun.core.errors import UsageError, nearest
    from feilun.storage import opinion
    from feilun.workflow.applications.public_opinion.desk import counted_by
    from feilun.workflow.applications.public_opinion.wiring import opened

    if sentiment and sentiment not in SENTIMENTS:
        raise UsageError(
            Remark(f"--sentiment cannot be {sentiment!r}.", f"--sentiment 不能是 {sentiment!r}。"),
            nearest(sentiment, SENTIMENTS),
        )
    if incident and (words or entity or topic or sentiment or source or region or days is not None):
        raise UsageError(
            Remark("--incident goes with --limit alone.", "--incident 只能与 --limit 一起使用。"),
            Remark("feilun public-opinion documents --help", "用法：feilun public-opinion documents --help"),
        )
    with opened(file) as application, application.database.read() as connection:
        since = opinion.since_days(connection, days)
        asked = Question(words, entity, topic, sentiment, source, region, since)
        found = counted_by(application, incident) if incident else search(connection, asked, limit)
    for one in found[:limit]:
        if as_json:
            output.print_json(one)
            continue
        named = ", ".join(f"{name}: {said}" for name, said in one["entities"].items())
        told = "  ".join(part for part in (one["sentiment"], ", ".join(one["topics"]), named, one["source"]) if part)
        print(f"{one['key']}  {one['published'][:16]}  {one['title'] or one['body'][:80]}\n    {told}")
    if not found and not as_json:
        output.tell(Remark("No document.", "没有文档。"))


def report(
    file: File,
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = Path("report"),
    days: Days = None,
    source: Annotated[str, typer.Option(help="Only this source.")] = "",
    region: Annotated[str, typer.Option(help="Only this region.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write what happened, why, and what to watch, as HTML, PDF and JSON."""
    from feilun.apps.public_opinion.report import make_report
    from feilun.apps.public_opinion.report_files import write_report
    from feilun.storage import opinion
    from feilun.workflow.applications.public_opinion.wiring import opened

    with opened(file) as application, application.database.read() as connection:
        since = opinion.since_days(connection, days)
        titles = application.scheme.titles
        made = make_report(connection, application.width, titles, since, source=source, region=region)
    files = write_report(made, out)
    if as_json:
        output.print_json(made.to_json())
    else:
        print("\n".join(str(path) for path in files))


def emergent(
    file: File,
    days: Annotated[float, typer.Option(min=0.01, help="The last so many days, compared with as many before.")] = 7.0,
    as_json: AsJson = False,
) -> None:
    """Show themes of the documents that no topic takes: their words, how many they are, and whether they grow."""
    from feilun.apps.public_opinion.emergent import find_emergent
    from feilun.workflow.applications.public_opinion.wiring import opened

    with opened(file) as application, application.database.read() as connection:
        found = find_emergent(connection, days)
    if as_json:
        output.print_json(found.to_json())
        return
    output.tell(
        Remark(
            f"{found.documents:,} documents of the last {days:g} days have no topic; {len(found.themes)} themes.",
            f"最近 {days:g} 天有 {found.documents:,} 篇文档不属于任何话题；新话题 {len(found.themes)} 个。",
        )
    )
    for one in found.themes:
        chance = f"p = {one.p_value:.1g}"
        grows = Remark(f", grows ({chance})", f"，在增长（{chance}）") if one.grows else ""
        numbers = Remark(
            f"{one.documents:,} documents, {one.stories:,} stories, {one.stories_before:,} before",
            f"文档 {one.documents:,} 篇，报道 {one.stories:,} 篇，此前 {one.stories_before:,} 篇",
        )
        print(f"\n{one.title}: {output.said(numbers)}{output.said(grows)}")
        print(f"  {'、'.join(one.phrases)}")
        for document in one.typical:
            print(f"  - {document['title']} ({document['source']}, {document['key']})")


COMMANDS = (trends, compare, documents, emergent, report)
"""In the order of `EXAMPLES`."""
