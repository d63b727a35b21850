"""What a database refuses, said so that somebody can act on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from feilun.core.errors import StorageError

KEPT = "Nothing that was acknowledged is lost."


class StorageFull(StorageError):
    """No space is left for the database."""


class StorageBusy(StorageError):
    """Another program holds the database, or it cannot be reached at the moment."""


SQLITE: dict[int, tuple[type[StorageError], str, str]] = {
    sqlite3.SQLITE_BUSY: (
        StorageBusy, "is locked by another program", "Close what holds it open (a browser of databases, a backup)."
    ),
    sqlite3.SQLITE_LOCKED: (StorageBusy, "is locked", "Try again in a moment."),
    sqlite3.SQLITE_FULL: (StorageFull, "cannot grow: the disk is full", "Free some space."),
    sqlite3.SQLITE_READONLY: (
        StorageError, "cannot be written", "Give its file and its folder back to the user that runs Feilun."
    ),
    sqlite3.SQLITE_READONLY | 4 << 8: (
        StorageError, "is gone: its file was moved or deleted while it was open",
        "Put the file back, or start again for a new database.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        StorageError, "cannot be opened: it is gone, a folder, or not readable",
        "Put the file back, or start again for a new database.",
    ),
    sqlite3.SQLITE_PERM: (StorageError, "may not be opened", "Give its file to the user that runs Feilun."),
    sqlite3.SQLITE_IOERR: (StorageError, "could not be read or written by the disk", "Look at the disk."),
    sqlite3.SQLITE_CORRUPT: (
        StorageError, "is damaged", "Restore it from a backup; `sqlite3 FILE .recover` may save most of it."
    ),
    sqlite3.SQLITE_NOTADB: (
        StorageError, "is no SQLite database", "Move the file away, or name another: FEILUN_DATABASE=sqlite:///…"
    ),
}  # fmt: skip
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
        raise StorageBusy(f"{place} has no free connection.", "Try again in a moment.") from error


def _told(error: DBAPIError, place: str) -> StorageError:
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        kind, problem, remedy = SQLITE.get(_code(cause), (StorageError, f"refuses ({cause})", "Look at the message."))
        return kind(f"{place} {problem}.", f"{remedy} {KEPT}")
    state = str(getattr(cause, "sqlstate", None) or "")
    reason = " ".join(str(cause).split("\n")[0].split())
    if state == DISK_FULL:
        return StorageFull(f"{place} cannot grow: its disk is full.", f"Free some space on its server. {KEPT}")
    if state == READ_ONLY:
        return StorageError(f"{place} cannot be written ({reason}).", f"Name the primary server. {KEPT}")
    if state.startswith(("08", "57", "55", "40")) or not state:
        return StorageBusy(f"{place} cannot be reached ({reason}).", f"Check that the server runs. {KEPT}")
    return StorageError(f"{place} refuses ({reason}).", "Check the rights of its user and its tables.")


def _code(error: sqlite3.Error) -> int:
    """Return the extended result code where it is told apart, else the primary one."""
    extended = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return extended if extended in SQLITE else extended & 0xFF
