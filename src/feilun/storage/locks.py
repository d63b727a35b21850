"""Work that only one process may do at a time: its lock is a row of the database, kept alive while it goes on.

The holder renews its row. A row that was not renewed for `STALE_SECONDS` belongs to a process that died, or to a
machine that is gone, and the next one takes it; a holder that was only asleep finds its row taken and is told so.
The time is the clock of each machine: they may differ by less than that.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from sqlalchemy import Connection, select

from feilun.core.errors import StorageError, UsageError
from feilun.core.remark import Remark
from feilun.storage import audit
from feilun.storage.database import Database
from feilun.storage.tables.service import locks

BEAT_SECONDS = 10.0
STALE_SECONDS = 120.0


class Held:
    """A lock that is held.

    Args:
        database: Where its row is.
        name: What it locks.
        token: Tells this holder from any other.
    """

    def __init__(self, database: Database, name: str, token: str) -> None:
        self.database = database
        self.name = name
        self.token = token

    def check(self, connection: Connection) -> None:
        """Refuse to go on where the lock was taken over meanwhile; asked in the transaction that writes the result.

        Raises:
            UsageError: If it was.
        """
        found = connection.execute(select(locks.c.token).where(locks.c.name == self.name)).scalar_one_or_none()
        if found != self.token:
            raise UsageError(
                Remark(
                    f"The lock {self.name!r} was taken over: this process did not show itself for {STALE_SECONDS:g} s.",
                    f"锁 {self.name!r} 已被接管：这个进程有 {STALE_SECONDS:g} 秒没有动静。",
                ),
                Remark(
                    "Another one does the work; nothing of this one's was kept.",
                    "工作由另一个进程来做；这个进程的结果都没有保留。",
                ),
            )

    def renew(self) -> None:
        """Show that the holder lives."""
        with self.database.write() as connection:
            own = (locks.c.name == self.name) & (locks.c.token == self.token)
            connection.execute(locks.update().where(own).values(beat=time.time()))


@contextmanager
def locked(database: Database, name: str, *, beat_seconds: float = BEAT_SECONDS) -> Iterator[Held]:
    """Hold a lock for the length of a block.

    Args:
        database: Shared by all that want it.
        name: What is locked.
        beat_seconds: How often the holder shows that it lives.

    Raises:
        UsageError: If another process holds it; the message names it.
    """
    held = Held(database, name, uuid.uuid4().hex)
    with database.write() as connection:
        _take(connection, held)
    ended = Event()
    beating = Thread(target=_beat, args=(held, ended, beat_seconds), daemon=True)
    beating.start()
    try:
        yield held
    finally:
        ended.set()
        beating.join()
        with database.write() as connection:
            connection.execute(locks.delete().where(locks.c.name == name, locks.c.token == held.token))


def _take(connection: Connection, held: Held) -> None:
    audit.lock(connection)  # two that find the same stale row
    now = time.time()
    row = connection.execute(select(locks).where(locks.c.name == held.name)).first()
    if row is not None and not _stale(row.machine, row.process, row.beat, now):
        raise UsageError(
            Remark(
                f"{held.name} is going on already: process {row.process} on {row.machine}.",
                f"{held.name} 已在进行：{row.machine} 上的进程 {row.process}。",
            ),
            Remark(
                f"Wait for it. If it died, its lock ends {STALE_SECONDS:g} s after its last sign of life.",
                f"请等它结束。如果它已退出，其锁在最后一次活动的 {STALE_SECONDS:g} 秒后失效。",
            ),
        )
    connection.execute(locks.delete().where(locks.c.name == held.name))
    connection.execute(
        locks.insert(),
        {"name": held.name, "machine": socket.gethostname(), "process": os.getpid(), "token": held.token, "beat": now},
    )


def _stale(machine: str, process: int, beat: float, now: float) -> bool:
    if not -STALE_SECONDS < now - beat < STALE_SECONDS:
        return True
    # A process of this machine that ended is known at once; the number of one that lives may have been given anew.
    return os.name == "posix" and machine == socket.gethostname() and not _lives(process)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _beat(held: Held, ended: Event, seconds: float) -> None:
    while not ended.wait(seconds):
        try:
            held.renew()
        except StorageError:
            continue  # a database that is busy now may answer the next time
