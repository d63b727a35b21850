"""A lock: one holder at a time, the locks of the dead are taken, and who lost a lock is told before it writes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from feilun.core.errors import UsageError
from feilun.storage import locks
from feilun.storage.database import Database, open_database
from feilun.storage.locks import STALE_SECONDS, locked
from feilun.storage.tables.service import locks as table


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    yield opened
    opened.close()


def alter(database: Database, **values: object) -> None:
    with database.write() as connection:
        connection.execute(table.update().values(**values))


def test_one_holder_at_a_time_and_another_name_is_another_lock(database: Database) -> None:
    with locked(database, "one"):
        with pytest.raises(UsageError, match="one is going on already: process"), locked(database, "one"):
            pass
        with locked(database, "other"):
            pass
    with locked(database, "one"):
        pass


def test_a_failure_gives_the_lock_back(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), locked(database, "one"):
        _ = 1 / 0
    with locked(database, "one"):
        pass


def test_the_lock_of_a_killed_process_is_taken(database: Database, database_url: str) -> None:
    script = (
        "import sys, time; from feilun.storage.database import open_database; from feilun.storage.locks import locked\n"
        "with locked(open_database(sys.argv[1]), 'one'): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script, database_url], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(UsageError, match=f"process {holder.pid} on"), locked(database, "one"):
        pass
    holder.kill()
    holder.wait()
    holder.stdout.close()
    if locks.os.name == "posix":
        with locked(database, "one"):
            pass


def test_a_machine_that_is_gone_loses_its_lock_after_a_while_and_not_before(database: Database) -> None:
    with locked(database, "one", beat_seconds=60) as held:
        alter(database, machine="elsewhere", beat=time.time() - STALE_SECONDS / 2)
        with pytest.raises(UsageError, match="on elsewhere"), locked(database, "one"):
            pass
        alter(database, beat=time.time() - 2 * STALE_SECONDS)
        with locked(database, "one"):
            with database.read() as connection, pytest.raises(UsageError, match="taken over"):
                held.check(connection)
            held.renew()  # renews nothing that is another's
            with pytest.raises(UsageError, match="going on already"), locked(database, "one"):
                pass


def test_a_holder_at_work_shows_that_it_lives(database: Database) -> None:
    with locked(database, "one", beat_seconds=0.05) as held:
        alter(database, beat=0.0)
        ended = time.time() + 10
        beat = 0.0
        while not beat and time.time() < ended:
            time.sleep(0.05)
            with database.read() as connection:
                beat = float(connection.execute(table.select()).one().beat)
                held.check(connection)
        assert beat > 0
