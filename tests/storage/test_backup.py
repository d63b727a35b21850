"""A copy taken under load is whole, comes back as it was, and nothing else is taken for one."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from feilun.core.errors import StorageError, UsageError
from feilun.storage import backup, observations
from feilun.storage.backup import back_up, restore
from feilun.storage.database import Database, open_database
from feilun.storage.faults import StorageBusy
from feilun.storage.tables.schema import REVISION
from feilun.storage.upgrade import VERSION_TABLE, current
from storage.test_database import seen

SCHEMAS = Path(__file__).parent / "schemas"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path / 'feilun.db'}", busy_seconds=0.3)
    yield opened
    opened.close()


def add(database: Database, *numbers: int) -> None:
    with database.write() as connection:
        observations.add(connection, [seen(i) for i in numbers])


def stored(database: Database) -> list[str]:
    with database.read() as connection:
        return [one.id for one in observations.latest(connection, "舆情")]


def test_what_was_there_comes_back_and_what_came_later_is_gone(database: Database, tmp_path: Path) -> None:
    add(database, 1, 2, 3)
    back_up(database, tmp_path / "copy")
    add(database, 4)
    restore(database, tmp_path / "copy")
    assert stored(database) == [seen(i).id for i in (1, 2, 3)]
    add(database, 5)
    assert len(stored(database)) == 4


def test_a_copy_under_load_holds_whole_transactions(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'feilun.db'}")  # as patient as in service

    def write() -> None:
        for i in range(0, 400, 4):
            add(database, i, i + 1, i + 2, i + 3)

    writer = threading.Thread(target=write)
    writer.start()
    copies = []
    while writer.is_alive() and len(copies) < 20:
        copies.append(tmp_path / f"copy {len(copies)}")
        back_up(database, copies[-1])
    writer.join()
    database.close()
    assert copies
    for path in copies:
        copy = open_database(f"sqlite:///{path}")
        found = stored(copy)
        copy.close()
        assert found == [seen(i).id for i in range(len(found))]
        assert len(found) % 4 == 0


def test_files_that_are_no_copy_are_refused_and_change_nothing(database: Database, tmp_path: Path) -> None:
    add(database, 1)
    back_up(database, tmp_path / "copy")
    content = (tmp_path / "copy").read_bytes()
    (tmp_path / "text").write_text("text,label\n" * 500)
    (tmp_path / "torn").write_bytes(content[: len(content) // 2])
    sqlite3.connect(tmp_path / "other").execute("create table t (a)").connection.commit()
    (tmp_path / "newer").write_bytes(content)
    with sqlite3.connect(tmp_path / "newer") as newer:
        newer.execute(f"update {VERSION_TABLE} set version_num = '9999'")  # noqa: S608
    newer.close()
    refused = {
        "newer": "newer Feilun",
        "text": "no readable",
        "torn": "damaged|no readable",
        "other": "no database of Feilun",
        "none": "no file",
    }
    for name, says in refused.items():
        with pytest.raises(StorageError, match=says):
            restore(database, tmp_path / name)
    assert stored(database) == [seen(1).id]


def test_a_database_in_use_is_not_replaced(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "BUSY_SECONDS", 0.3)
    add(database, 1)
    back_up(database, tmp_path / "copy")
    add(database, 2)
    other = sqlite3.connect(tmp_path / "feilun.db")
    other.execute("begin immediate")
    with pytest.raises(StorageBusy, match="locked by another program"):
        restore(database, tmp_path / "copy")
    other.close()
    assert len(stored(database)) == 2


def test_postgresql_has_its_own_tools(postgres: str, tmp_path: Path) -> None:
    database = open_database(postgres)
    with pytest.raises(UsageError, match="pg_dump"):
        back_up(database, tmp_path / "copy")
    database.close()
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("schema", sorted(path.stem for path in SCHEMAS.glob("*.sql")))
def test_every_released_schema_is_upgraded_with_its_rows(schema: str, database: Database, tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "old.db")
    old.executescript((SCHEMAS / f"{schema}.sql").read_text(encoding="utf-8"))
    old.close()
    opened = open_database(f"sqlite:///{tmp_path / 'old.db'}")
    restore(database, tmp_path / "old.db")
    for upgraded in (opened, database):
        with upgraded.read() as connection:
            assert current(connection) == REVISION
            found = observations.latest(connection, "舆情")
        assert [one.text for one in found] == [f"送餐很快 {i} 😀" for i in range(3)]
        assert [(said.answer, said.correct, said.text, said.key) for said in found[1].feedback] == [
            ("bad", None, 'It\'s "wrong"\n很差', "k"), (None, True, None, None),
        ]  # fmt: skip
    opened.close()
