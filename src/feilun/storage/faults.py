"""What a database refuses, said so that somebody can act on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from feilun.core.errors import StorageError
from feilun.core.remark import Remark

KEPT = Remark("Nothing that was acknowledged is lost.", "已确认的内容一样也没有丢。")


class StorageFull(StorageError):
    """No space is left for the database."""


class StorageBusy(StorageError):
    """Another program holds the database, or it cannot be reached at the moment."""


LOOK = Remark("Look at the message.", "请看错误信息。")
AGAIN = Remark("Put the file back, or start again for a new database.", "请把文件放回，或重新启动以新建数据库。")
SOON = Remark("Try again in a moment.", "请稍后再试。")

SQLITE: dict[int, tuple[type[StorageError], Remark, Remark]] = {
    sqlite3.SQLITE_BUSY: (
        StorageBusy,
        Remark("is locked by another program", "被另一个程序锁住"),
        Remark(
            "Close what holds it open (a browser of databases, a backup).",
            "请关闭占用它的程序（数据库浏览器、备份）。",
        ),
    ),
    sqlite3.SQLITE_LOCKED: (StorageBusy, Remark("is locked", "被锁住"), SOON),
    sqlite3.SQLITE_FULL: (
        StorageFull,
        Remark("cannot grow: the disk is full", "无法增大：磁盘已满"),
        Remark("Free some space.", "请腾出一些空间。"),
    ),
    sqlite3.SQLITE_READONLY: (
        StorageError,
        Remark("cannot be written", "无法写入"),
        Remark(
            "Give its file and its folder back to the user that runs Feilun.",
            "请把文件及其文件夹的权限交还给运行飞轮的用户。",
        ),
    ),
    sqlite3.SQLITE_READONLY | 4 << 8: (
        StorageError,
        Remark("is gone: its file was moved or deleted while it was open", "已不在：文件在打开期间被移动或删除"),
        AGAIN,
    ),
    sqlite3.SQLITE_CANTOPEN: (
        StorageError,
        Remark("cannot be opened: it is gone, a folder, or not readable", "无法打开：不存在、是文件夹或不可读"),
        AGAIN,
    ),
    sqlite3.SQLITE_PERM: (
        StorageError,
        Remark("may not be opened", "没有权限打开"),
        Remark("Give its file to the user that runs Feilun.", "请把文件的权限交给运行飞轮的用户。"),
    ),
    sqlite3.SQLITE_IOERR: (
        StorageError,
        Remark("could not be read or written by the disk", "磁盘读写失败"),
        Remark("Look at the disk.", "请检查磁盘。"),
    ),
    sqlite3.SQLITE_CORRUPT: (
        StorageError,
        Remark("is damaged", "已损坏"),
        Remark(
            "Restore it from a backup; `sqlite3 FILE .recover` may save most of it.",
            "请从备份恢复；`sqlite3 FILE .recover` 或许能救回大部分。",
        ),
    ),
    sqlite3.SQLITE_NOTADB: (
        StorageError,
        Remark("is no SQLite database", "不是 SQLite 数据库"),
        Remark(
            "Move the file away, or name another: FEILUN_DATABASE=sqlite:///…",
            "请把文件移走，或换一个：FEILUN_DATABASE=sqlite:///…",
        ),
    ),
}
"""By SQLite's result code, extended or primary: the error, what is wrong, what to do."""

DISK_FULL = "53100"
READ_ONLY = "25006"


@contextmanager
def database_errors(place: str) -> Iterator[None]:
    """Turn a database's errors of operation into a StorageError; faults of single rows pass as they are.

    Args:
        place: What the database is called in the message; holds no password.

    Raises:
        StorageFull: If the disk is full.
        StorageBusy: If the database is locked or cannot be reached.
        StorageError: If it is gone, damaged, or may not be written.
    """
    try:
        yield
    except (OperationalError, InternalError, InterfaceError, ProgrammingError) as error:
        raise _told(error, place) from error
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.DatabaseError) and _code(error.orig) in SQLITE:
            raise _told(error, place) from error
        raise
    except PoolTimeout as error:
        raise StorageBusy(
            Remark(f"{place} has no free connection.", f"{place} 没有空闲的连接。"),
            SOON,
        ) from error


def _told(error: DBAPIError, place: str) -> StorageError:
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        unknown = StorageError, Remark(f"refuses ({cause})", f"拒绝执行（{cause}）"), LOOK
        kind, problem, remedy = SQLITE.get(_code(cause), unknown)
    else:
        kind, problem, remedy = _told_by_a_server(cause)
    return kind(
        Remark(f"{place} {problem}.", f"{place} {problem.chinese}。"),
        Remark(f"{remedy} {KEPT}", f"{remedy.chinese}{KEPT.chinese}"),
    )


def _told_by_a_server(cause: BaseException | None) -> tuple[type[StorageError], Remark, Remark]:
    state = str(getattr(cause, "sqlstate", None) or "")
    reason = " ".join(str(cause).split("\n")[0].split())
    if state == DISK_FULL:
        return (
            StorageFull,
            Remark("cannot grow: its disk is full", "无法增大：服务器磁盘已满"),
            Remark("Free some space on its server.", "请在其服务器上腾出一些空间。"),
        )
    if state == READ_ONLY:
        return (
            StorageError,
            Remark(f"cannot be written ({reason})", f"无法写入（{reason}）"),
            Remark("Name the primary server.", "请指向主服务器。"),
        )
    if state.startswith(("08", "57", "55", "40")) or not state:
        return (
            StorageBusy,
            Remark(f"cannot be reached ({reason})", f"无法连接（{reason}）"),
            Remark("Check that the server runs.", "请检查服务器是否在运行。"),
        )
    return (
        StorageError,
        Remark(f"refuses ({reason})", f"拒绝执行（{reason}）"),
        Remark("Check the rights of its user and its tables.", "请检查其用户和表的权限。"),
    )


def _code(error: sqlite3.Error) -> int:
    """Return the extended result code where it is told apart, else the primary one."""
    extended = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return extended if extended in SQLITE else extended & 0xFF
