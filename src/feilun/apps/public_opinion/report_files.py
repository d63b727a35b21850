"""A report as one page of HTML, a PDF, and JSON; the HTML lists the documents behind each number by ids and links."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from feilun.apps.public_opinion.emergent import Theme
from feilun.apps.public_opinion.incidents import Incident
from feilun.apps.public_opinion.queries import document_json
from feilun.apps.public_opinion.report import LISTED, Report, day_of
from feilun.apps.public_opinion.summary import headline, minute, summary
from feilun.apps.public_opinion.trends import Side, Trend
from feilun.core.files import write_json, write_text
from feilun.core.remark import Language, Remark, joined, said_in
from feilun.evaluation.presentation.timelines import bars, image, timeline, write_pdf

SEVERITY_NAMES = {"moderate": "一般 moderate", "high": "严重 high", "critical": "危急 critical"}
STATE_NAMES = {
    "open": "未处理 open",
    "acknowledged": "已确认 acknowledged",
    "muted": "已静音 muted",
    "closed": "已关闭 closed",
}

STYLE = """
body { font: 15px/1.6 system-ui, "Noto Sans SC", sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
td, th { padding: .3rem .6rem; border-bottom: 1px solid #e4e7eb; text-align: right; white-space: nowrap }
td:first-child, th:first-child { text-align: left }
td details { color: #52606d; font-size: .85em; white-space: normal }
img { max-width: 100% }
.wide { overflow-x: auto }
body { overflow-wrap: anywhere }
.incident { border-left: 4px solid #d9782d; padding-left: 1rem; margin: 2rem 0 }
.critical, .high { color: #b3401d }
"""


def write_report(report: Report, folder: Path, language: Language = "en") -> list[Path]:
    """Write a report as report.html, report.pdf and report.json.

    Args:
        report: The report to write.
        folder: Where to; made where there is none.
        language: That of sentences; headings are in both.

    Returns:
        The files.

    Raises:
        MissingExtra: If matplotlib is not installed.
        StorageError: If the folder cannot be written.
    """
    figures = _figures(report)
    paths = [folder / f"report.{ending}" for ending in ("html", "pdf", "json")]
    write_text(paths[0], _page(report, figures, language))
    write_pdf(paths[1], figures, said_in(language, _plain(report)))
    write_json(paths[2], report.to_json())
    return paths


def _figures(report: Report) -> list[Any]:
    if report.total is None:
        return []
    marks = [(one.opened, one.last + report.width) for one in report.incidents]
    figures = [timeline("Documents 文档数", report.total.buckets.tolist(), _lines(report.total), marks)]
    by_name = {one.entity: one for one in report.entities}
    for incident in report.incidents:
        one = by_name.get(incident.entity)
        if one is not None:
            span = [(incident.opened, incident.last + report.width)]
            figures.append(timeline(incident.entity, one.buckets.tolist(), _lines(one), span))
    shares = {one.entity: float(one.documents.sum()) for one in report.entities}
    topics = {report.titles.get(one.topic, one.topic): float(one.documents.sum()) for one in report.topics}
    return [*figures, bars("Share of voice 声量", shares), bars("Topics 话题", topics)]


def _lines(trend: Trend) -> dict[str, list[int]]:
    return {"documents 文档": trend.documents.tolist(), "negative 负面": trend.negative.tolist()}


def _page(report: Report, figures: Sequence[Any], language: Language) -> str:
    images = [image(one) for one in figures]
    everything = 0 if report.total is None else int(report.total.documents.sum())
    title = f"舆情报告 Public opinion, {_of(report)}{day_of(report.since)} – {day_of(report.until)}"
    parts = [
        f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{html.escape(title)}</title>',
        f"<style>{STYLE}</style><h1>{html.escape(title)}</h1>",
        f"<p>{everything:,} documents 文档, {len(report.incidents)} incidents 事件.</p>", *images[:1],
        "<h2>事件 Incidents</h2>", *(_incident(report, one, language) for one in report.incidents),
        "<h2>主体 Entities</h2>", _table(report, "entity", report.entities, everything),
        "<h2>话题 Topics</h2>", _table(report, "topic", report.topics, everything), *images[1:],
        "<h2>来源 Sources</h2>", _table(report, "source", report.sources, everything),
        *(("<h2>地区 Regions</h2>", _table(report, "region", report.regions, everything)) if report.regions else ()),
        "<h2>关注 To watch</h2>",
        "<p>" + (html.escape(", ".join(one.entity for one in report.to_watch())) or "—") + "</p>",
        f"<h3>新话题 Emergent, {day_of(report.emergent.since)} – {day_of(report.emergent.until)}</h3>",
        *(_theme(one) for one in report.emergent.themes), "" if report.emergent.themes else "<p>—</p>",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def _incident(report: Report, incident: Incident, language: Language) -> str:
    rows = report.documents[incident.id]
    said = "".join(f"<p>{html.escape(line)}</p>" for line in summary(incident, language).splitlines())
    listed = _listed([document_json(row) for row in rows[:LISTED]])
    return (
        f'<section class="incident" id="{incident.id}"><h3>'
        f'<span class="{incident.severity}">{SEVERITY_NAMES[incident.severity]}</span> '
        f"{html.escape(incident.title)}</h3><p>{html.escape(incident.entity)} · {minute(incident.opened)} – "
        f"{minute(incident.last + report.width)} UTC · {STATE_NAMES[incident.state]}</p>{said}"
        f"<details><summary>{len(rows)} 篇文档 documents</summary>{listed}</details></section>"
    )


def _theme(theme: Theme) -> str:
    typical = "".join(
        f"<li>{html.escape(one['title'])} <small>{html.escape(one['source'])}, {one['key'][:12]}</small></li>"
        for one in theme.typical
    )
    return (
        f"<p>{'↑ ' if theme.grows else ''}{html.escape('、'.join(theme.phrases))}: {theme.documents} 文档 documents, "
        f"{theme.stories} 报道 stories, {theme.stories_before} 此前 before</p><ul>{typical}</ul>"
    )


def _listed(documents: Sequence[Mapping[str, Any]]) -> str:
    return "<ol>" + "".join(f"<li>{_document(one)}</li>" for one in documents) + "</ol>"


def _document(one: Mapping[str, Any]) -> str:
    name = html.escape(one["title"] or one["body"][:80])
    safe = one["url"].startswith(("https://", "http://"))
    linked = f'<a rel="noreferrer" href="{html.escape(one["url"], quote=True)}">{name}</a>' if safe else name
    moment = one["published"][:16].replace("T", " ")
    return f"{linked} <small>{html.escape(one['source'])}, {moment}, {one['key'][:12]}</small>"


def _table(report: Report, side: Side, found: Sequence[Trend], everything: int) -> str:
    named = ("", "文档 documents", "声量 share of voice", "负面 negative", "情感指数 sentiment", "热度 heat")
    head = "<tr>" + "".join(f"<th>{name}</th>" for name in named) + "</tr>"
    rows = []
    for one in found:
        facts = one.summary(everything)
        documents = report.behind[one.name]
        name = html.escape(_called(report, side, one))
        latest = f"最近 {len(documents)} 篇 latest {len(documents)}"
        rows.append(
            f"<tr><td>{name}<details><summary>{latest}</summary>{_listed(documents)}</details></td>"
            f"<td>{facts['documents']}</td><td>{facts['share_of_voice']:.1%}</td>"
            f"<td>{facts['negative_share']:.1%}</td><td>{facts['sentiment_index']:+.2f}</td><td>{facts['heat']:.2f}</td></tr>"
        )
    return f'<div class="wide"><table>{head}{"".join(rows)}</table></div>'


def _of(report: Report) -> str:
    """Return what a report is about, where that is not everything, before what follows."""
    return "".join(f"{part}, " for part in report.scope if part)


def _called(report: Report, side: Side, trend: Trend) -> str:
    """Return what a series is called in the table of a side."""
    name = str(getattr(trend, side))
    return report.titles.get(name, name) if side == "topic" else name


def _plain(report: Report) -> Remark:
    """Return the text of the PDF."""
    time = f"{day_of(report.since)} – {day_of(report.until)}"
    lines = [Remark(f"Public opinion, {_of(report)}{time}", f"舆情报告，{_of(report)}{time}"), Remark("", "")]
    for one in report.incidents:
        lines += [_told(one), Remark("", "")]
    everything = 0 if report.total is None else int(report.total.documents.sum())
    for trend in report.entities:
        facts = trend.summary(everything)
        name, count, share, bad = trend.entity, facts["documents"], facts["share_of_voice"], facts["negative_share"]
        lines.append(
            Remark(
                f"{name}: {count} documents, {share:.1%} of all, {bad:.1%} negative",
                f"{name}：{count} 篇文档，声量占比 {share:.1%}，负面占比 {bad:.1%}",
            )
        )
    for trend in report.sources:
        name, count = trend.source, int(trend.documents.sum())
        lines.append(Remark(f"Source: {name}: {count} documents", f"来源：{name}：{count} 篇文档"))
    for trend in report.regions:
        name, count = trend.region, int(trend.documents.sum())
        lines.append(Remark(f"Region: {name}: {count} documents", f"地区：{name}：{count} 篇文档"))
    for theme in report.emergent.themes:
        grows = Remark(", growing", "，在增长") if theme.grows else Remark("", "")
        lines.append(
            Remark(
                f"Emergent: {theme.title}: {theme.documents} documents{grows}",
                f"新话题：{theme.title}：{theme.documents} 篇文档{grows.chinese}",
            )
        )
    return joined(lines, "\n", "\n")


def _told(incident: Incident) -> Remark:
    """Return an incident as the PDF tells it."""
    about = f"{incident.entity}, {minute(incident.opened)} UTC"
    told: dict[Language, str] = {
        language: "\n".join((headline(incident, language), about, summary(incident, language)))
        for language in ("en", "zh")
    }
    return Remark(told["en"], told["zh"])
