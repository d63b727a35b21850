"""What `feilun public-opinion` shows: trends, the documents behind them, new themes, and the report."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import argument, option
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

File = Annotated[Path, argument("The application file, TOML.", "应用文件，TOML 格式。", show_default=False)]
Days = Annotated[float | None, option("Only the last so many days.", "只看最近这么多天。", min=0, show_default=False)]


def trends(
    file: File,
    days: Days = None,
    topic: Annotated[str, option("Only this topic.", "只看这个话题。")] = "",
    source: Annotated[str, option("Only this source.", "只看这个来源。")] = "",
    region: Annotated[str, option("Only this region.", "只看这个地区。")] = "",
    by: Annotated[
        str,
        option(
            "entity, topic, source or region.",
            "按什么分组：entity（主体）、topic（话题）、source（来源）或 region（地区）。",
        ),
    ] = "entity",
    entity: Annotated[str, option("Only this entity.", "只看这个主体。")] = "",
    as_json: AsJson = False,
) -> None:
    """Show what is said of whom: documents, negative share, share of voice, sentiment index.

    显示各主体的舆情：文档数、负面占比、声量占比、情感指数。
    """
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
    entities: Annotated[list[str] | None, argument("Companies.", "要比较的公司。", metavar="COMPANY")] = None,
    topic: Annotated[
        list[str] | None, option("Of this topic; may be given again.", "只比较这个话题；可以重复给出。")
    ] = None,
    source: Annotated[
        list[str] | None, option("Of this source; may be given again.", "只比较这个来源；可以重复给出。")
    ] = None,
    region: Annotated[
        list[str] | None, option("Of this region; may be given again.", "只比较这个地区；可以重复给出。")
    ] = None,
    days: Days = None,
    as_json: AsJson = False,
) -> None:
    """Show companies side by side, or what is said of one in several regions, sources or topics.

    并排比较几家公司，可按来源、话题或地区限定。
    """
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
    words: Annotated[
        str,
        argument("Words that title or body holds, all of them.", "标题或正文里的词，须全部出现。", show_default=False),
    ] = "",
    incident: Annotated[str, option("Those that this incident counts.", "只看计入这个事件的文档。", metavar="ID")] = "",
    entity: Annotated[str, option("Only of this entity.", "只要这个主体的。")] = "",
    topic: Annotated[str, option("Only of this topic.", "只要这个话题的。")] = "",
    sentiment: Annotated[
        str, option("negative, neutral or positive.", "negative（负面）、neutral（中性）或 positive（正面）。")
    ] = "",
    source: Annotated[str, option("Only this source.", "只看这个来源。")] = "",
    region: Annotated[str, option("Only this region.", "只看这个地区。")] = "",
    days: Days = None,
    limit: Annotated[int, option("At most so many, the latest first.", "最多显示多少篇，最新的在前。", min=1)] = 20,
    as_json: AsJson = False,
) -> None:
    """Show documents with their keys: found by words and what they say, or those of an incident.

    显示文档及其键：按词和内容查找，或列出某个事件的文档。
    """
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
    out: Annotated[Path, option("Folder of the report.", "报告写入的文件夹。")] = Path("report"),
    days: Days = None,
    source: Annotated[str, option("Only this source.", "只看这个来源。")] = "",
    region: Annotated[str, option("Only this region.", "只看这个地区。")] = "",
    as_json: AsJson = False,
) -> None:
    """Write what happened, why, and what to watch, as HTML, PDF and JSON.

    写出报告：发生了什么、为什么、该留意什么；HTML、PDF 和 JSON 各一份。
    """
    from feilun.apps.public_opinion.report import make_report
    from feilun.apps.public_opinion.report_files import write_report
    from feilun.storage import opinion
    from feilun.workflow.applications.public_opinion.wiring import opened

    with opened(file) as application, application.database.read() as connection:
        since = opinion.since_days(connection, days)
        titles = application.scheme.titles
        made = make_report(connection, application.width, titles, since, source=source, region=region)
    files = write_report(made, out, application.settings.fixed_language or output.language())
    if as_json:
        output.print_json(made.to_json())
    else:
        print("\n".join(str(path) for path in files))


def emergent(
    file: File,
    days: Annotated[
        float,
        option(
            "The last so many days, compared with as many before.", "最近这么多天，与此前同样多的天数对比。", min=0.01
        ),
    ] = 7.0,
    as_json: AsJson = False,
) -> None:
    """Show themes of the documents that no topic takes: their words, how many they are, and whether they grow.

    显示不属于任何话题的文档里出现的主题：代表词、数量，以及是否在增长。
    """
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
