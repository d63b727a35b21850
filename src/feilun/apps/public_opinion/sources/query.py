"""Rows of a SQL database, read on from the last value of a column that only grows."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine, Select, column, create_engine, literal_column, make_url, select, text
from sqlalchemy.exc import SQLAlchemyError

from feilun.apps.public_opinion.document import Form
from feilun.apps.public_opinion.sources.source import Batch
from feilun.core.errors import DataError
from feilun.core.remark import Remark

READ_AT_ONCE = 500

BIND = re.compile(r"(?<![:\w\\]):(?=\w)")
"""What SQLAlchemy would take for a parameter; a user's query has none."""


@dataclass(frozen=True)
class SqlQuery:
    """A query whose rows are documents.

    Args:
        url: The database's address; its password stays out of messages and saved positions.
        query: SELECT of the columns of documents, without ORDER BY.
        cursor: A column of it that is unique and only grows, such as an id: read on from its last value.
        form: How its records are read.
    """

    url: str = field(repr=False)
    query: str
    cursor: str
    form: Form = field(default_factory=Form)

    @property
    def name(self) -> str:
        """Return the name of its saved position; another query, or another database, begins anew."""
        url = make_url(self.url)  # user and password may change without it
        named = f"{url.host}|{url.port}|{url.database}|{self.query}|{self.cursor}"
        return f"query:{hashlib.sha256(named.encode()).hexdigest()[:16]}"

    def read(self, position: Any) -> Iterator[Batch]:
        """Yield the rows behind a value of the cursor, in its order.

        Raises:
            DataError: If the database refuses, or the query has no such column.
        """
        try:
            engine = create_engine(self.url)
        except (SQLAlchemyError, ImportError) as error:
            raise DataError(
                Remark("The database of a query cannot be opened.", "无法打开查询所用的数据库。"),
                Remark(f"Check queries.url: {_said(error)}.", f"请检查 queries.url：{_said(error)}。"),
            ) from error
        try:
            yield from self._batches(engine, position)
        except SQLAlchemyError as error:
            raise DataError(
                Remark(
                    f"The database refused the query of sources: {_said(error)}.",
                    f"数据库拒绝执行来源的查询：{_said(error)}。",
                ),
                Remark(
                    f"It must be one SELECT, without ORDER BY, that gives the column {self.cursor!r}.",
                    f"应是一条不带 ORDER BY 的 SELECT，结果中有 {self.cursor!r} 列。",
                ),
            ) from error
        finally:
            engine.dispose()

    def is_due(self, position: Any) -> bool:
        """Return that it may be asked at any time."""
        return True

    def _batches(self, engine: Engine, position: Any) -> Iterator[Batch]:
        last = position
        while True:
            with engine.connect() as connection:
                rows = connection.execute(self._statement(last)).mappings()
                found = [{str(name): _plain(value) for name, value in row.items()} for row in rows]
                connection.rollback()
            if not found:
                return
            last = found[-1][self.cursor]
            yield Batch(tuple((f"{self.cursor} {record[self.cursor]}", record) for record in found), last)

    def _statement(self, last: Any) -> Select[Any]:
        escaped = BIND.sub(r"\\\g<0>", self.query.strip().rstrip(";"))
        rows = text(escaped).columns(column(self.cursor)).subquery("documents")
        cursor = rows.c[self.cursor]
        statement: Select[Any] = select(literal_column("*")).select_from(rows).order_by(cursor).limit(READ_AT_ONCE)
        return statement if last is None else statement.where(cursor > last)


def _plain(value: Any) -> Any:
    """Return a cell as JSON holds it."""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def _said(error: Exception) -> str:
    return str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]
