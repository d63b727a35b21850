"""`feilun insight`: what a table of texts is about, without labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from feilun.core.errors import counted
from feilun.core.remark import Remark, joined
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import argument, option
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
        argument(
            "A table: csv, tsv, jsonl, parquet, xlsx, or a database URL.",
            "表格：csv、tsv、jsonl、parquet、xlsx，或数据库 URL。",
            show_default=False,
        ),
    ],
    text: Annotated[
        str | None, option("Its column of texts; else the likeliest is taken.", "文本列；默认取最像的一列。")
    ] = None,
    time: Annotated[
        str | None, option("Its column of times, for trends.", "时间列，用来看趋势。", show_default=False)
    ] = None,
    by: Annotated[
        list[str] | None,
        option(
            "A rating, a flag or any column to compare by; may be given again.",
            "用来对比的列，评分、标志等均可；可以重复给出。",
            metavar="COLUMN",
        ),
    ] = None,
    topics: Annotated[
        int | None,
        option("How many topics; else chosen.", "话题数；默认自动选定。", min=2, max=100, show_default=False),
    ] = None,
    model: Annotated[
        str | None,
        option(
            "A bundle of sentiment; else a registered one that fits.",
            "判断情感的模型包；默认用已登记的合适模型包。",
            show_default=False,
        ),
    ] = None,
    query: Annotated[
        str | None, option("The SQL query, where the table is a database URL.", "表格是数据库 URL 时的 SQL 查询。")
    ] = None,
    out: Annotated[
        Path, option("Folder of insight.html and insight.json.", "insight.html 和 insight.json 写入的文件夹。")
    ] = Path("out/insight"),
    as_json: AsJson = False,
) -> None:
    """Find topics, trends, duplicates and outliers in any table of texts, and what goes with its columns.

    No labels are needed. Personal data is replaced in all that is shown.

    从任意文本表格中找出话题、趋势、重复和异常，以及它们与各列的关系。

    不需要标签。显示的内容里，个人信息都已替换。
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
