"""Documents and trends as tables: CSV in which no cell is a formula, or Parquet in which each column has its type."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from feilun.apps.public_opinion.trends import Trend
from feilun.core.errors import MissingExtra
from feilun.core.remark import Remark
from feilun.text.formulas import inert

if TYPE_CHECKING:
    import polars

TableForm = Literal["csv", "parquet"]
MEDIA_TYPES: Mapping[TableForm, str] = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}

DOCUMENT_COLUMNS = (
    "key", "published", "source", "url", "author", "language", "region", "sentiment", "topics", "entities", "story",
    "title", "body",
)  # fmt: skip
TREND_COLUMNS = ("begin", "seconds", "topic", "entity", "documents", "positive", "negative", "stories")


def documents_table(documents: Iterable[dict[str, Any]], form: TableForm) -> bytes:
    """Return documents as a table, a row each, of the columns `DOCUMENT_COLUMNS`.

    Args:
        documents: As `search` gives them.
        form: csv, or parquet: published is a moment there, topics a list, entities a list of entity and sentiment.

    Raises:
        MissingExtra: If polars, which writes Parquet, is not installed.
    """
    rows = [{name: document[name] for name in DOCUMENT_COLUMNS} for document in documents]
    return _csv(DOCUMENT_COLUMNS, rows) if form == "csv" else _parquet(_document_frame, rows)


def trends_table(found: Sequence[Trend], form: TableForm) -> bytes:
    """Return series as a table of the columns `TREND_COLUMNS`, a row for each bucket in which something was counted.

    Args:
        found: The series.
        form: csv or parquet.

    Raises:
        MissingExtra: If polars, which writes Parquet, is not installed.
    """
    rows = list(_trend_rows(found))
    return _csv(TREND_COLUMNS, rows) if form == "csv" else _parquet(_trend_frame, rows)


def _trend_rows(found: Sequence[Trend]) -> Iterator[dict[str, Any]]:
    for one in found:
        numbers = (one.documents, one.positive, one.negative, one.stories)
        for bucket, *figures in zip(one.buckets.tolist(), *(each.tolist() for each in numbers), strict=True):
            if any(figures):
                begin = datetime.fromtimestamp(bucket, UTC).isoformat()
                yield dict(zip(TREND_COLUMNS, (begin, one.seconds, one.topic, one.entity, *figures), strict=True))


def _csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    held = io.StringIO()
    writer = csv.writer(held)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in columns])
    return held.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, int):
        return value
    if isinstance(value, dict):
        value = "; ".join(f"{name}: {said}" for name, said in value.items())
    text = "; ".join(value) if isinstance(value, list) else str(value)
    return inert(text)


def _parquet(frame_of: Any, rows: Sequence[Mapping[str, Any]]) -> bytes:
    try:
        import polars
    except ImportError as error:
        raise MissingExtra("polars", "public-opinion", Remark("Tables as Parquet", "Parquet 表格")) from error
    held = io.BytesIO()
    frame: polars.DataFrame = frame_of(polars, rows)
    frame.write_parquet(held)
    return held.getvalue()


def _document_frame(pl: Any, rows: Sequence[Mapping[str, Any]]) -> polars.DataFrame:
    lists = {
        "topics": pl.List(pl.String),
        "entities": pl.List(pl.Struct({"entity": pl.String, "sentiment": pl.String})),
    }
    told = [
        {**row, "entities": [{"entity": name, "sentiment": said} for name, said in row["entities"].items()]}
        for row in rows
    ]  # fmt: skip
    schema = {name: lists.get(name, pl.String) for name in DOCUMENT_COLUMNS}
    return _with_moments(pl, pl.DataFrame(told, schema), "published")


def _trend_frame(pl: Any, rows: Sequence[Mapping[str, Any]]) -> polars.DataFrame:
    texts = ("begin", "topic", "entity")
    schema = {name: pl.String if name in texts else pl.Int64 for name in TREND_COLUMNS}
    return _with_moments(pl, pl.DataFrame(list(rows), schema), "begin")


def _with_moments(pl: Any, frame: polars.DataFrame, name: str) -> polars.DataFrame:
    return frame.with_columns(pl.col(name).str.to_datetime(time_zone="UTC"))
