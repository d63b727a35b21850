"""Every way of tampering with the audit log is found."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy

from feilun.storage import audit
from feilun.storage.database import Database, open_database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    with opened.write() as connection:
        for i in range(5):
            audit.record(connection, "delete observations", actor=f"李 {i}", model="舆情", rows=i, reason=None)
    yield opened
    opened.close()


def verdict(database: Database, head: str | None = None) -> audit.Verdict:
    with database.read() as connection:
        return audit.verify(connection, head)


def test_what_is_recorded_is_read_back_and_sound(database: Database) -> None:
    with database.read() as connection:
        found = list(audit.entries(connection))
    assert [entry.number for entry in found] == [1, 2, 3, 4, 5]
    assert found[2].to_json()["details"] == {"model": "舆情", "rows": 2, "reason": None}
    assert verdict(database) == audit.Verdict(5, found[-1].hash)
    assert verdict(database, found[1].hash).fault is None


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("update audit set actor = 'nobody' where number = 3", "Entry 3 was altered"),
        ("update audit set details = '{}' where number = 1", "Entry 1 was altered"),
        ("update audit set time = time + 1 where number = 5", "Entry 5 was altered"),
        ("delete from audit where number = 2", "Entry 2 is missing"),
        ("delete from audit where number = 1", "Entry 1 is missing"),
        ("update audit set previous = hash where number = 4", "Entry 4 does not stand"),
    ],
)
def test_changes_are_found(database: Database, statement: str, says: str) -> None:
    with database.write() as connection:
        connection.execute(sqlalchemy.text(statement))
    assert says in str(verdict(database).fault)


def test_an_end_that_was_cut_off_is_found_by_a_noted_seal(database: Database) -> None:
    head = verdict(database).head
    with database.write() as connection:
        connection.execute(sqlalchemy.text("delete from audit where number = 5"))
    assert verdict(database).fault is None
    assert "entries were removed" in str(verdict(database, head).fault)


def test_entries_made_at_once_stand_in_one_chain(database: Database) -> None:
    def work() -> None:
        for _ in range(5):
            with database.write() as connection:
                audit.record(connection, "x")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (verdict(database).entries, verdict(database).fault) == (25, None)
