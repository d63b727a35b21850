"""A copy of the database while it is in use, and the way back."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import quote

from feilun.core.errors import StorageError, UsageError
from feilun.core.files import atomic_file
from feilun.core.remark import Remark
from feilun.storage.database import BUSY_SECONDS, Database
from feilun.storage.faults import StorageBusy, database_errors
from feilun.storage.upgrade import VERSION_TABLE, refuse_newer, upgrade


def back_up(database: Database, path: Path) -> None:
    """Copy a SQLite database as it is at one moment; others may read and write it meanwhile.

    Args:
        database: The database to copy.
        path: The copy; complete or absent.

    Raises:
        UsageError: If the database is on PostgreSQL, or the copy would take its own place.
        StorageError: If the copy cannot be written.
    """
    _refuse_postgres(database, "pg_dump")
    with database.read() as connection:
        own = connection.exec_driver_sql("pragma database_list").mappings().first()
    if own is not None and path.exists() and path.samefile(own["file"]):
        raise UsageError(
            Remark(
                f"{path} is the database itself: a copy would replace it.", f"{path} 就是数据库本身：副本会把它覆盖。"
            ),
            Remark("Name another file.", "请换一个文件。"),
        )
    with atomic_file(path) as temporary, closing(sqlite3.connect(temporary)) as copy, database.read() as connection:
        _driver(connection).backup(copy, progress=_patience(database))
        copy.execute("pragma journal_mode = delete")


def restore(database: Database, path: Path) -> None:
    """Replace all that a SQLite database holds by a copy of it, in one transaction; the copy's schema is upgraded.

    Args:
        database: The database to replace.
        path: A file that `back_up` wrote.

    Raises:
        UsageError: If the database is on PostgreSQL.
        StorageError: If the file is no sound copy, or the database is in use; nothing is changed then.
    """
    _refuse_postgres(database, "pg_restore")
    with closing(_checked(path)) as copy:
        with database_errors(database.place), database.engine.connect() as connection:
            copy.backup(_driver(connection), progress=_patience(database))
        database.close()
    with database.write() as connection:
        upgrade(connection, database.place)


def _patience(database: Database) -> Callable[[int, int, int], None]:
    """Return what ends a copying that waits too long for a lock: by itself it would wait for ever."""
    deadline = time.monotonic() + BUSY_SECONDS

    def look(status: int, remaining: int, total: int) -> None:
        if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED} and time.monotonic() > deadline:
            raise StorageBusy(
                Remark(f"{database.place} is locked by another program.", f"{database.place} 被另一个程序锁住。"),
                Remark("Stop the service first.", "请先停止服务。"),
            )

    return look


def _checked(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise StorageError(
            Remark(f"There is no file {path}.", f"没有文件 {path}。"),
            Remark("Give a file that `feilun database backup` wrote.", "请给出 `feilun database backup` 写的文件。"),
        )
    with ExitStack() as closed_if_refused:
        copy = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1", uri=True)
        closed_if_refused.callback(copy.close)
        try:
            if copy.execute("pragma integrity_check").fetchone() != ("ok",):
                raise StorageError(
                    Remark(f"{path} is damaged.", f"{path} 已损坏。"), Remark("Take another copy.", "请换另一份副本。")
                )
            tables = {name for (name,) in copy.execute("select name from sqlite_master")}
            if VERSION_TABLE not in tables:
                raise StorageError(
                    Remark(f"{path} is no database of Feilun.", f"{path} 不是飞轮的数据库。"),
                    Remark("Take another copy.", "请换另一份副本。"),
                )
            (revision,) = copy.execute(f"select version_num from {VERSION_TABLE}").fetchone()  # noqa: S608
        except (sqlite3.DatabaseError, TypeError) as error:
            raise StorageError(
                Remark(f"{path} is no readable database ({error}).", f"{path} 不是可读的数据库（{error}）。"),
                Remark("Take another copy.", "请换另一份副本。"),
            ) from error
        refuse_newer(revision, f"The copy {path}")
        closed_if_refused.pop_all()
        return copy


def _driver(connection: object) -> sqlite3.Connection:
    driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[attr-defined]
    return driver


def _refuse_postgres(database: Database, tool: str) -> None:
    if database.engine.dialect.name != "sqlite":
        raise UsageError(
            Remark(f"{database.place} is on PostgreSQL.", f"{database.place} 在 PostgreSQL 上。"),
            Remark(
                f"Use its own {tool}; a database is one unit of it.",
                f"请用它自己的 {tool}；一个 database 就是一个单元。",
            ),
        )
