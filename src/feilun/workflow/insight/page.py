"""What was found in a table of texts as one page of HTML that needs nothing else, and as JSON."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

from feilun.core.files import write_json, write_text
from feilun.core.remark import said_in
from feilun.evaluation.associations import Association
from feilun.evaluation.presentation.timelines import bars, image, timeline
from feilun.workflow.insight.findings import SHOWN_COPIES, Drivers, Insight, Trends, typical_rows

SHOWN_TREND_TOPICS = 5
SHOWN_LINKS = 8
"""Associations that are shown of a group; the JSON holds all."""

STYLE = """
body { font: 15px/1.6 system-ui, "Noto Sans SC", sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
  color: #1f2933 }
h2 { margin-top: 2.5rem; border-bottom: 2px solid #2563a8 }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem }
td, th { padding: .3rem .6rem; border-bottom: 1px solid #e4e7eb; text-align: right; vertical-align: top }
td:first-child, th:first-child, td.text { text-align: left }
img { max-width: 100% }
.wide { overflow-x: auto }
q { display: block; margin: .3rem 0; color: #52606d; overflow-wrap: anywhere }
small, .remark { color: #7b8794 }
.more { color: #b3401d }
.less { color: #2563a8 }
"""


def write_insight(insight: Insight, folder: Path) -> list[Path]:
    """Write what was found as insight.html and insight.json.

    Args:
        insight: What was found.
        folder: Where to; made where there is none.

    Returns:
        The files.

    Raises:
        MissingExtra: If matplotlib is not installed.
        StorageError: If the folder cannot be written.
    """
    paths = [folder / "insight.html", folder / "insight.json"]
    write_text(paths[0], "\n".join(_page(insight)) + "\n")
    write_json(paths[1], insight.to_json())
    return paths


def _page(insight: Insight) -> Iterator[str]:
    title = f"文本洞察 Insight: {PurePath(insight.table.source).name}"
    yield '<!doctype html><html lang="zh"><meta charset="utf-8">'
    yield f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{html.escape(title)}</title>'
    yield f"<style>{STYLE}</style><h1>{html.escape(title)}</h1>"
    copies = sum(len(rows) - 1 for rows in insight.copies)
    yield (
        f"<p>{len(insight.table.corpus):,} texts 文本, {len(insight.topics.found)} topics 话题, "
        f"{copies:,} copies 重复.</p>"
    )
    for remark in insight.remarks:
        yield f'<p class="remark">{html.escape(remark)}<br>{html.escape(said_in("zh", remark))}</p>'
    if insight.topics.found:
        yield from _topics(insight)
    if insight.sentiment is not None:
        yield from _sentiment(insight, insight.sentiment)
    if insight.trends is not None:
        yield from _trends(insight, insight.trends)
    for one in insight.drivers:
        yield from _drivers(insight, one)
    yield from _copies(insight)
    yield from _outliers(insight)


def _topics(insight: Insight) -> Iterator[str]:
    yield "<h2>话题 Topics</h2>"
    yield image(bars("Texts 文本数", {one.title: float(one.texts) for one in insight.topics.found}))
    without = int((insight.topics.topic_of < 0).sum())
    if without:
        yield f"<p>{without:,} texts belong to no topic 不属于任何话题.</p>"
    for one in insight.topics.found:
        share = one.texts / len(insight.table.corpus)
        yield (
            f"<h3>{html.escape(one.title)} <small>{one.texts:,} ({share:.1%})</small></h3>"
            f"<p>{html.escape(', '.join(one.phrases))}</p>"
        )
        yield "".join(_quoted(insight, row) for row in typical_rows(insight, one.number))


def _sentiment(insight: Insight, labels: Sequence[str]) -> Iterator[str]:
    counts = Counter(labels)
    yield f"<h2>情感 Sentiment</h2><p><small>{html.escape(insight.model)}</small></p>"
    yield image(bars("Texts 文本数", {name: float(count) for name, count in counts.most_common()}))


def _trends(insight: Insight, trends: Trends) -> Iterator[str]:
    yield "<h2>趋势 Trends</h2>"
    yield image(timeline("Texts 文本数", trends.buckets, {"texts 文本": trends.texts}))
    largest = insight.topics.found[:SHOWN_TREND_TOPICS]
    if largest:
        lines = {one.title: trends.topics[one.number].tolist() for one in largest}
        yield image(timeline("The largest topics 主要话题", trends.buckets, lines))
    yield _table("later half 后半期", "earlier half 前半期", _distinct(insight, trends.found), insight)
    yield f"<p class=remark>{_caveat(len(trends.found))}</p>"


def _drivers(insight: Insight, drivers: Drivers) -> Iterator[str]:
    yield f"<h2>与 {html.escape(drivers.column.name)} 相关 What goes with {html.escape(drivers.column.name)}</h2>"
    if drivers.column.groups:
        for group in drivers.column.groups:
            links = _distinct(insight, [link for link in drivers.found if link.group == group])
            if links:
                yield f"<h3>{html.escape(group)}</h3>"
                yield _table("share here 占比", "elsewhere 其余", links, insight)
    else:
        yield _table("mean with it 有", "mean without 无", _distinct(insight, drivers.found), insight, shares=False)
    tested = f"{drivers.tested:,} pairs were tested 检验了 {drivers.tested:,} 对."
    yield f"<p class=remark>{_caveat(len(drivers.found))} {tested}</p>"


def _caveat(found: int) -> str:
    if not found:
        return "Nothing differs by more than chance 没有超出偶然的差别."
    return (
        "False discoveries are held at 5 % (Benjamini–Hochberg), intervals are widened for what was chosen; copies "
        "count once. What goes together need not be cause and effect. "
        "错误发现率控制在 5%，区间已按所选项放宽，重复文本只计一次；相关不等于因果。"
    )


def _distinct(insight: Insight, links: Sequence[Association]) -> list[Association]:
    """Return the surest associations, of phrases that hold one another only the first."""
    chosen: list[Association] = []
    for link in links:
        name = insight.marks[link.mark]
        others = [insight.marks[one.mark] for one in chosen]
        if not any(name in other or other in name for other in others):
            chosen.append(link)
    return chosen[:SHOWN_LINKS]


def _table(inside: str, outside: str, links: Sequence[Association], insight: Insight, *, shares: bool = True) -> str:
    if not links:
        return ""
    effect = "difference 差 (points)" if shares else "higher in 较高的概率"
    head = "".join(f"<th>{name}</th>" for name in ("", inside, outside, effect, "interval 区间", "texts 文本"))
    rows = "".join(_row(link, insight, shares) for link in links)
    return f'<div class="wide"><table><tr>{head}</tr>{rows}</table></div>'


def _row(link: Association, insight: Insight, shares: bool) -> str:
    def level(value: float) -> str:
        return f"{value:.1%}" if shares else f"{value:.3g}"

    def effect(value: float) -> str:
        return f"{100 * value:+.1f}" if shares else f"{0.5 + value:.1%}"

    direction = "more" if link.effect > 0 else "less"
    return (
        f"<tr><td>{html.escape(insight.marks[link.mark])}</td><td>{level(link.inside)}</td>"
        f"<td>{level(link.outside)}</td><td class={direction}>{effect(link.effect)}</td>"
        f"<td>{effect(link.low)} … {effect(link.high)}</td><td>{link.rows:,}</td></tr>"
    )


def _copies(insight: Insight) -> Iterator[str]:
    if not insight.copies:
        return
    yield f"<h2>重复 Near duplicates</h2><p>{len(insight.copies):,} groups 组.</p>"
    for rows in insight.copies[:SHOWN_COPIES]:
        yield f"<p><small>{len(rows)} ×</small>{_quoted(insight, rows[0])}</p>"


def _outliers(insight: Insight) -> Iterator[str]:
    if not insight.outliers:
        return
    yield "<h2>异常 Unlike the others</h2>"
    yield "".join(_quoted(insight, row) for row, _ in insight.outliers)


def _quoted(insight: Insight, row: int) -> str:
    shown = insight.shown(row)
    return f"<q>{html.escape(shown['text'])} <small>{html.escape(shown['row'])}</small></q>"
