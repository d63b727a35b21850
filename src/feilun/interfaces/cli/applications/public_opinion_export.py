"""`feilun public-opinion export`: documents or trends as a table in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.applications.public_opinion_numbers import Days, File
from feilun.interfaces.cli.help import argument, option
from feilun.interfaces.cli.options import AsJson

EXAMPLE = "feilun public-opinion export examples/public_opinion.toml trends --out trends.parquet --days 90"


def export(
    file: File,
    what: Annotated[str, argument("documents or trends.", "documents（文档）或 trends（趋势）。", show_default=False)],
    out: Annotated[Path, option("A .csv or .parquet file.", ".csv 或 .parquet 文件。", show_default=False)],
    days: Days = None,
    entity: Annotated[str | None, option("Only of this entity.", "只要这个主体的。", show_default=False)] = None,
    topic: Annotated[str | None, option("Only of this topic.", "只要这个话题的。", show_default=False)] = None,
    source: Annotated[str, option("Only this source.", "只看这个来源。")] = "",
    region: Annotated[str, option("Only this region.", "只看这个地区。")] = "",
    as_json: AsJson = False,
) -> None:
    """Write documents, or numbers by bucket of each topic and company, as CSV or Parquet.

    In the rows of trends an empty topic or company stands for all of them together; times are UTC.

    导出文档，或按时间桶统计的各话题、各公司的计数，写成 CSV 或 Parquet。

    导出趋势时，话题或公司一栏为空的行是全部话题或公司的合计；时间为 UTC。
    """
    from feilun.core.errors import UsageError, nearest
    from feilun.core.files import atomic_file
    from feilun.workflow.applications.public_opinion.wiring import opened

    tables = {"documents": _documents, "trends": _trends}
    form = out.suffix.lower().removeprefix(".")
    if what not in tables:
        raise UsageError(Remark(f"There is no table {what!r}.", f"没有表 {what!r}。"), nearest(what, tables))
    if form not in {"csv", "parquet"}:
        raise UsageError(
            Remark(f"--out cannot be {out}.", f"--out 不能是 {out}。"),
            Remark("A file that ends in .csv or .parquet.", "请用以 .csv 或 .parquet 结尾的文件。"),
        )
    with opened(file) as application, application.database.read() as connection:
        rows, table = tables[what](connection, application.width, days, entity, topic, source, region, form)
    with atomic_file(out) as temporary:
        temporary.write_bytes(table)
    if as_json:
        output.print_json({"file": str(out), "rows": rows})
    else:
        english, chinese = ("documents", "篇文档") if what == "documents" else ("series", "个序列")
        output.tell(Remark(f"{out}: {rows:,} {english}", f"{out}：{rows:,} {chinese}"))


def _documents(
    connection: Any, width: int, days: float | None, entity: str | None, topic: str | None, source: str, region: str,
    form: Any,
) -> tuple[int, bytes]:  # fmt: skip
    from feilun.apps.public_opinion.queries import Question, search
    from feilun.apps.public_opinion.tables import documents_table
    from feilun.storage import opinion

    question = Question(
        entity=entity or "", topic=topic or "", source=source, region=region,
        since=opinion.since_days(connection, days),
    )  # fmt: skip
    found = search(connection, question, None)
    return len(found), documents_table(found, form)


def _trends(
    connection: Any, width: int, days: float | None, entity: str | None, topic: str | None, source: str, region: str,
    form: Any,
) -> tuple[int, bytes]:  # fmt: skip
    from feilun.apps.public_opinion.tables import trends_table
    from feilun.apps.public_opinion.trends import trends
    from feilun.storage import opinion

    since = opinion.since_days(connection, days)
    found = trends(connection, width, since=since, topic=topic, entity=entity, source=source, region=region)
    return len(found), trends_table(found, form)
