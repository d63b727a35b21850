"""Rows of a SQL database, streamed by SQLAlchemy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feilun.core.errors import DataError, MissingExtra
from feilun.core.remark import Remark, said_in
from feilun.data.paths import shown
from feilun.data.readers.tables import PIECE_ROWS, cell_text, frame_of, pieces
from feilun.text.clean import join_surrogates

if TYPE_CHECKING:
    from polars import DataFrame
    from sqlalchemy import Connection, CursorResult, Engine

SERVER_BATCH = 5000

READ_ONLY = {
    "sqlite": "PRAGMA query_only = ON",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
}
"""What has a connection refuse to write, by SQLAlchemy's name of the kind of database; PostgreSQL has an option."""

UNORDERED = Remark(
    "The query has no ORDER BY: the order of rows may differ between runs.",
    "查询没有 ORDER BY：各次运行的行序可能不同。",
)
CHECK_DATABASE = Remark(
    "Check that the database runs and that the URL is right.", "请检查数据库是否在运行，URL 是否正确。"
)

BIND = re.compile(r"(?<![:\w\\]):(?=\w)")
"""What SQLAlchemy would take for a parameter; a user's query has none."""


@dataclass(frozen=True)
class Query:
    """The rows of one query.

    Args:
        url: The database's URL.
        query: The SQL text, the user's own; it may not write, and its transaction is rolled back.
        columns: Column names of its result.
    """

    url: str
    query: str
    columns: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """Return how the rows were read."""
        ordered = "order by" in self.query.lower()
        return {"kind": "sql", **({} if ordered else {"notes": [UNORDERED]})}

    def frames(self, columns: Sequence[str]) -> Iterator[DataFrame]:
        """Yield the rows in pieces, all cells as text."""
        positions = [self.columns.index(name) for name in columns]
        with _result(self.url, self.query) as result:
            for piece in pieces([_text(row[i]) for i in positions] for row in result.yield_per(SERVER_BATCH)):
                yield frame_of(columns, piece)


def look(url: str, query: str | None) -> Query:
    """Run a query for its column names.

    Raises:
        DataError: If there is no query, no such database, or the database refuses.
        MissingExtra: If SQLAlchemy or the database's driver is not installed.
    """
    if not query:
        tables = _tables(url)
        raise DataError(
            Remark(f"{shown(url)} needs a query{tables}.", f"{shown(url)} 需要查询语句{said_in('zh', tables)}。"),
            Remark(
                "Set data.query in the recipe, or pass --set 'data.query=SELECT text, label FROM …'.",
                "请在配方中设置 data.query，或使用 --set 'data.query=SELECT text, label FROM …'。",
            ),
        )
    with _result(url, query) as result:
        if not result.returns_rows:
            raise DataError(
                Remark(f"The query returns no rows: {query!r}.", f"该语句不返回数据行：{query!r}。"),
                Remark("Write a SELECT; nothing was changed.", "请写 SELECT 语句；数据库未被改动。"),
            )
        return Query(url, query, tuple(result.keys()))


def _text(value: Any) -> str | None:
    text = cell_text(value)
    return None if text is None else join_surrogates(text)


def _engine(url: str) -> Engine:
    try:
        import sqlalchemy
    except ImportError as error:
        raise MissingExtra("sqlalchemy", "data", Remark("Reading a database", "读取数据库")) from error
    try:
        parsed = sqlalchemy.make_url(url)
        path = parsed.database
        if parsed.get_backend_name() == "sqlite" and path and path != ":memory:" and not Path(path).is_file():
            raise DataError(
                Remark(f"There is no database file {path}.", f"没有数据库文件 {path}。"),
                Remark(
                    "Check the path; sqlite:///relative or sqlite:////absolute.",
                    "请检查路径；相对路径写 sqlite:///…，绝对路径写 sqlite:////…。",
                ),
            )
        return sqlalchemy.create_engine(parsed, poolclass=sqlalchemy.NullPool)
    except sqlalchemy.exc.ArgumentError as error:
        raise DataError(
            Remark(
                f"{url.partition('://')[0]}://… is not the URL of a database.",
                f"{url.partition('://')[0]}://… 不是数据库的 URL。",
            ),
            Remark(
                "Such as sqlite:///reviews.db or postgresql+psycopg://user:password@host/name; download other files "
                "first.",
                "例如 sqlite:///reviews.db 或 postgresql+psycopg://user:password@host/name；其他文件请先下载。",
            ),
        ) from error
    except ModuleNotFoundError as error:
        scheme = url.partition("://")[0]
        if scheme.startswith("postgres"):
            purpose = Remark(f"Reading {scheme}://…", f"读取 {scheme}://… ")
            raise MissingExtra(error.name or "psycopg", "postgres", purpose) from error
        raise DataError(
            Remark(
                f"Reading {scheme}://… needs the driver {error.name!r}, which is not installed.",
                f"读取 {scheme}://… 需要驱动 {error.name!r}，但未安装。",
            ),
            Remark(
                "Install it, or name another driver in the URL, such as mysql+pymysql://….",
                "请安装它，或在 URL 中写明另一个驱动，如 mysql+pymysql://…。",
            ),
        ) from error


@contextmanager
def _result(url: str, query: str) -> Iterator[CursorResult[Any]]:
    engine = _engine(url)
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

    try:
        with engine.connect() as connection:
            _refuse_writes(connection)
            options = {"stream_results": True, "max_row_buffer": PIECE_ROWS}
            yield connection.execution_options(**options).execute(text(BIND.sub(r"\\\g<0>", query)))
            connection.rollback()
    except SQLAlchemyError as error:
        reason = str(error.orig if isinstance(error, DBAPIError) else error).strip().partition("\n")[0].rstrip(".")
        reachable = not isinstance(error, OperationalError) or engine.dialect.name == "sqlite"
        problem = Remark(f"{shown(url)}: {reason}.", f"{shown(url)}：{reason}。")
        raise DataError(problem, _check_query(url) if reachable else CHECK_DATABASE) from error
    finally:
        engine.dispose()


def _refuse_writes(connection: Connection) -> None:
    """Have the database refuse what would change it: a rollback takes no DROP TABLE back in SQLite and MySQL."""
    name = connection.dialect.name
    if name == "postgresql":
        connection.execution_options(postgresql_readonly=True)
    elif name in READ_ONLY:
        connection.exec_driver_sql(READ_ONLY[name])
        connection.rollback()


def _check_query(url: str) -> Remark:
    tables = _tables(url)
    return Remark(f"Check the query{tables}.", f"请检查查询语句{said_in('zh', tables)}。")


def _tables(url: str) -> str:
    """Name the tables of a database, as part of a sentence; nothing where it cannot be asked."""
    import sqlalchemy

    try:
        names = sqlalchemy.inspect(_engine(url)).get_table_names()
    except sqlalchemy.exc.SQLAlchemyError:
        return ""
    return Remark(f" (its tables: {', '.join(names[:10])})", f"（表有：{'、'.join(names[:10])}）") if names else ""
