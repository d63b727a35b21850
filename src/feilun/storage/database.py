"""The database: a SQLite file in FEILUN_HOME, or PostgreSQL by FEILUN_DATABASE; the same code on both.

SQLite runs with a rollback journal, not with a write-ahead log: in versions 3.7.0 to 3.51.2, and so in the 3.40 that
Debian's Python links, two connections that checkpoint at the same moment can corrupt a database in WAL mode
(https://sqlite.org/wal.html#walresetbug). The journal is truncated and synced rather than deleted: with
`synchronous = FULL` a deleted journal may be back after a power cut and undo the last transaction, a truncated one not.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from feilun.core.errors import MissingExtra, UsageError
from feilun.core.files import disk_errors
from feilun.core.places import home
from feilun.core.remark import Remark
from feilun.storage.faults import database_errors
from feilun.storage.tables.schema import REVISION
from feilun.storage.upgrade import current, refuse_newer, upgrade

BUSY_SECONDS = 5.0
"""How long a lock of another program is waited for."""

CONNECT_SECONDS = 5

PRAGMAS = ("journal_mode = TRUNCATE", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON")
"""What every connection to SQLite is told first."""

FORMS = "sqlite:///feilun.db or postgresql+psycopg://user:password@host/name"


class Database:
    """An open database of the newest schema, safe to share between threads; its errors show no values, so no texts.

    Args:
        engine: SQLAlchemy's engine.
        place: What it is called in messages; holds no password.
    """

    def __init__(self, engine: Engine, place: str) -> None:
        self.engine = engine
        self.place = place
        self._writing = Lock() if engine.dialect.name == "sqlite" else nullcontext()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the database; it is rolled back.

        Raises:
            StorageError: If the database refuses.
        """
        with database_errors(self.place), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that is on the disk once the block is left; on SQLite one at a time.

        Raises:
            StorageError: If the database refuses; nothing of the block is kept.
        """
        with self._writing, database_errors(self.place), self.engine.connect() as connection:
            writing = connection.execution_options(writes=True)
            with writing.begin():
                yield writing

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_database(url: str | None = None, *, busy_seconds: float = BUSY_SECONDS) -> Database:
    """Open the database, made or upgraded where needed.

    Args:
        url: `sqlite:///path` or `postgresql+psycopg://…`; None takes FEILUN_DATABASE, else FEILUN_HOME/feilun.db.
        busy_seconds: How long a lock of another program is waited for.

    Returns:
        The database, to be closed by the caller.

    Raises:
        UsageError: If the URL is none, or of another kind of database.
        MissingExtra: If PostgreSQL's driver is not installed.
        StorageError: If the database cannot be opened, or was written by a newer Feilun.
    """
    parsed = _url(url)
    path = _path(parsed)
    if path is not None:
        _touch(path)
    database = _connected(parsed, busy_seconds)
    try:
        with database.write() as connection:
            upgrade(connection, database.place)
    except BaseException:
        database.close()
        raise
    return database


def look_at(url: str | None = None) -> tuple[str, str | None]:
    """Say where the database is and what its schema is; nothing is made, upgraded or written.

    Args:
        url: As `open_database` takes it.

    Returns:
        A file's path or a URL without its password, and the schema's revision; None where there is none yet.

    Raises:
        UsageError, MissingExtra, StorageError: As `open_database` does.
    """
    parsed = _url(url)
    path = _path(parsed)
    where = str(path or parsed.set(query={}).render_as_string())
    if path is not None and not path.exists():
        return where, None
    database = _connected(parsed, BUSY_SECONDS)
    try:
        with database.read() as connection:
            revision = current(connection)
    finally:
        database.close()
    if revision != REVISION:
        refuse_newer(revision, database.place)
    return where, revision


def _connected(url: URL, busy_seconds: float) -> Database:
    path = _path(url)
    if path is None:
        return Database(_postgres(url), f"The database {url.set(query={}).render_as_string()}")
    return Database(_sqlite(path, busy_seconds), f"The database {path}")


def _path(url: URL) -> Path | None:
    """Return the file of a SQLite database, None of another."""
    return Path(url.database or "").absolute() if url.get_backend_name() == "sqlite" else None


def _url(text: str | None) -> URL:
    text = text or os.environ.get("FEILUN_DATABASE") or f"sqlite:///{home() / 'feilun.db'}"
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise UsageError(
            Remark("FEILUN_DATABASE is not the URL of a database.", "FEILUN_DATABASE 不是数据库的 URL。"),
            Remark(f"Such as {FORMS}.", f"例如 {FORMS}。"),
        ) from error
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database not in {None, "", ":memory:"}:
        return url
    if backend == "postgresql" and url.drivername in {"postgresql", "postgresql+psycopg"}:
        return url.set(drivername="postgresql+psycopg")
    raise UsageError(
        Remark(
            f"FEILUN_DATABASE cannot be {url.render_as_string()}.", f"FEILUN_DATABASE 不能是 {url.render_as_string()}。"
        ),
        Remark(f"Such as {FORMS}.", f"例如 {FORMS}。"),
    )


def _touch(path: Path) -> None:
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)  # texts of customers: for this user alone


def _sqlite(path: Path, busy_seconds: float) -> Engine:
    def connect() -> sqlite3.Connection:
        # mode=rw: a file that was deleted meanwhile is an error, not an empty database that nobody asked for
        address = f"file:{quote(str(path))}?mode=rw"
        return sqlite3.connect(address, busy_seconds, uri=True, check_same_thread=False, isolation_level=None)

    engine = create_engine(
        "sqlite://", creator=connect, poolclass=QueuePool, pool_timeout=busy_seconds, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: Any) -> None:
        for pragma in PRAGMAS:
            connection.execute(f"pragma {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        # a transaction that only later comes to write could deadlock with another of its kind
        connection.exec_driver_sql("begin immediate" if writes else "begin")

    return engine


def _postgres(url: URL) -> Engine:
    try:
        connect = {"connect_timeout": CONNECT_SECONDS}
        engine = create_engine(url, pool_pre_ping=True, connect_args=connect, hide_parameters=True)
    except ModuleNotFoundError as error:
        raise MissingExtra(
            error.name or "psycopg", "postgres", Remark("A database on PostgreSQL", "使用 PostgreSQL 数据库")
        ) from error

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def without_nul(
        _connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
    ) -> tuple[str, Any]:
        return statement, _without_nul(parameters)

    return engine


def _without_nul(parameters: Any) -> Any:
    """Return parameters with U+FFFD for NUL, which PostgreSQL's texts do not hold: an id with it is just unknown."""
    if isinstance(parameters, str):
        return parameters.replace("\0", "\ufffd")
    if isinstance(parameters, dict):
        return {name: _without_nul(value) for name, value in parameters.items()}
    if isinstance(parameters, list | tuple):
        return type(parameters)(map(_without_nul, parameters))
    return parameters
