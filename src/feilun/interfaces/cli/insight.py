"""`feilun insight`: what a table of texts is about, without labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from feilun.core.errors import counted
from feilun.core.remark import Remark, joined
from feilun.interfaces.cli import output
from feilun.interfaces.cli.options import AsJson

if TYPE_CHECKING:
    from feilun.evaluation.associations import Association
    from feilun.workflow.insight.findings import Insight

EXAMPLES = (
    "feilun insight reviews.csv --text review",
    "feilun insight tweets.csv --text text --time created_at --by airline --by rating",
)

SHOWN = 5


def insight(
    file: Annotated[
        str,
        typer.Argument(help="A table: csv, tsv, jsonl, parquet, xlsx, or a database URL.", show_default=False),
    ],
    text: Annotated[str | None, typer.Option(help="Its column of texts; else the likeliest is taken.")] = None,
    time: Annotated[str | None, typer.Option(help="Its column of times, for trends.", show_default=False)] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="A rating, a flag or any column to compare by; may be given again."),
    ] = None,
    topics: Annotated[
        int | None, typer.Option(min=2, max=100, help="How many topics; else chosen.", show_default=False)
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="A bundle of sentiment; else a registered one that fits.", show_default=False)
    ] = None,
    query: Annotated[str | None, typer.Option(help="The SQL query, where the table is a database URL.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of insight.html and insight.json.")] = Path("out/insight"),
    as_json: AsJson = False,
) -> None:
    """Find topics, trends, duplicates and outliers in any table of texts, and what goes with its columns.

    No labels are needed. Personal data is replaced in all that is shown.
    """
    from feilun.workflow.getting_started.first_look import text_column
    from feilun.workflow.insight.findings import find_insight
    from feilun.workflow.insight.page import write_insight

    column = text or text_column(file, query)
    found = find_insight(file, column, time=time, by=by or [], topics=topics, model=model, query=query)
    files = write_insight(found, out)
    if as_json:
        output.print_json(found.to_json())
        return
    _show(found, column)
    print("\n".join(str(path) for path in files))


def _show(found: Insight, column: str) -> None:
    texts, topics, copies = len(found.table.corpus), len(found.topics.found), len(found.copies)
    output.tell(
        Remark(
            f"{counted(texts, 'text')} in {column!r}, {counted(topics, 'topic')}, {counted(copies, 'group')} of copies",
            f"{column!r} 里有 {texts:,} 条文本、{topics} 个话题、{copies:,} 组重复文本",
        )
    )
    for one in found.topics.found:
        output.tell(joined([f"{one.texts:7,}  {one.phrases[0]}", *one.phrases[1:SHOWN]], ", ", "、"))
    if found.trends is not None:
        title = Remark("Later more often than earlier, or less:", "后来比以前更常见的，或更少见的：")
        _show_links(title, found.trends.found, found)
    for drivers in found.drivers:
        name = drivers.column.name
        _show_links(Remark(f"What goes with {name}:", f"与 {name} 相伴的："), drivers.found, found)
    output.tell(*found.remarks)


def _show_links(title: Remark, links: tuple[Association, ...], found: Insight) -> None:
    nothing = Remark("nothing that differs by more than chance.", "没有超出偶然的差别。")
    output.tell(title if links else joined([title, nothing], " ", ""))
    for link in links[:SHOWN]:
        marked = joined([part for part in (link.group, found.marks[link.mark]) if part], ": ", "：")
        ends = f"{link.low:+.3g} … {link.high:+.3g}"
        output.tell(
            Remark(
                f"  {marked}  {link.inside:.3g} against {link.outside:.3g} ({ends})",
                f"  {marked.chinese}  {link.inside:.3g} 对 {link.outside:.3g}（{ends}）",
            )
        )
