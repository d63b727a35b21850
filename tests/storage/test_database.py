"""The same database on SQLite and on a real PostgreSQL: opened, upgraded, refused with a reason."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations

from databases import made_database
from feilun.core.errors import StorageError, UsageError
from feilun.core.observation import Feedback, Observation
from feilun.storage import database as storage_database
from feilun.storage import observations
from feilun.storage.database import PRAGMAS, Database, look_at, open_database
from feilun.storage.faults import StorageBusy, StorageFull
from feilun.storage.tables.every import metadata
from feilun.storage.tables.schema import REVISION
from feilun.storage.upgrade import VERSION, VERSION_TABLE, current, upgrade


def seen(number: int, model: str = "舆情", version: str = "1", time: float | None = None) -> Observation:
    prediction = {"label": "good", "score": 0.9, "abstained": False, "ranked": [{"label": "good", "score": 0.9}]}
    moment = float(number) if time is None else time
    return Observation(f"{number:032x}", moment, f"{model}@{version}", f"送餐很快 {number} 😀", prediction, 0.002)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of a database of each kind that has no tables yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new.db'}"
    return made_database(request.getfixturevalue("postgres"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    yield opened
    opened.close()


def test_what_is_written_is_read_back_and_ids_never_double(database: Database) -> None:
    rows = [seen(i) for i in range(5)]
    with database.write() as connection:
        observations.add(connection, rows)
        observations.add(connection, [*rows[3:], seen(5)])
    with database.read() as connection:
        assert observations.latest(connection, "舆情") == [*rows, seen(5)]
        assert observations.find(connection, rows[2].id) == rows[2]
        assert observations.find(connection, "none") is None
        assert observations.bundles(connection) == ["舆情@1"]


def test_windows_by_count_time_and_version_keep_the_order_of_writing(database: Database) -> None:
    clock = [5.0, 3.0, 4.0, 9.0]  # it went back once
    rows = [seen(i, version=str(i // 2), time=moment) for i, moment in enumerate(clock)]
    with database.write() as connection:
        observations.add(connection, [*rows, seen(9, model="other")])
    with database.read() as connection:
        assert observations.latest(connection, "舆情", count=2) == rows[2:]
        assert observations.latest(connection, "舆情", since=4.0, until=9.0) == [rows[0], rows[2]]
        assert observations.latest(connection, "舆情", version="0") == rows[:2]
        assert observations.latest(connection, "none") == []


def test_feedback_comes_with_its_observation_in_order(database: Database) -> None:
    said = [
        Feedback("a", seen(1).id, 1.0, answer="bad", key="k"),
        Feedback("b", seen(1).id, 2.0, correct=True, text="很好"),
    ]
    with database.write() as connection:
        observations.add(connection, [seen(1), seen(2)])
        for one in said:
            observations.give(connection, one)
    with database.read() as connection:
        assert [found.feedback for found in observations.latest(connection, "舆情")] == [tuple(said), ()]


def test_feedback_needs_its_observation_and_its_key_is_its_own(database: Database) -> None:
    with database.write() as connection:
        observations.add(connection, [seen(1)])
        observations.give(connection, Feedback("a", seen(1).id, 1.0, correct=True, key="k"))
    for wrong in (Feedback("b", "none", 1.0, text="words"), Feedback("c", seen(1).id, 1.0, text="words", key="k")):
        with pytest.raises(sqlalchemy.exc.IntegrityError) as refused, database.write() as connection:
            observations.give(connection, wrong)
        assert "words" not in str(refused.value)  # which may come into a log


def test_a_character_that_postgresql_does_not_hold_is_no_fault(database: Database) -> None:
    with database.write() as connection:
        observations.add(connection, [replace(seen(1), id="a\0b"), replace(seen(2), text="x\0y")])
    with database.read() as connection:
        assert observations.find(connection, f"{2:x}\0") is None
        found = observations.find(connection, "a\0b")
        assert found is not None
        assert found.id.replace("\ufffd", "\0") == "a\0b"


def test_a_block_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as connection:  # noqa: PT012
        observations.add(connection, [seen(1)])
        raise ZeroDivisionError
    with database.read() as connection:
        assert observations.latest(connection, "舆情") == []


def test_many_threads_write_at_once_and_nothing_is_lost(database: Database) -> None:
    def write(start: int) -> None:
        for i in range(start, start + 20):
            with database.write() as connection:
                observations.add(connection, [seen(i)])

    threads = [threading.Thread(target=write, args=(1000 * i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert len(observations.latest(connection, "舆情")) == 80


def told_by_tables(name: str | None, kind: str, _: object) -> bool:
    """Leave out the index of words, which is another thing on each database."""
    return kind != "table" or not (name or "").startswith("opinion_words")


def told_of_schema(connection: sqlalchemy.Connection) -> dict[str, object]:
    """All that a database says of its schema, whatever the order in which it came about."""
    told = sqlalchemy.inspect(connection)
    parts = (told.get_columns, told.get_foreign_keys, told.get_unique_constraints, told.get_indexes)
    found: dict[str, object] = {
        name: ([sorted(map(str, part(name))) for part in parts], told.get_pk_constraint(name)["constrained_columns"])
        for name in told.get_table_names()
    }
    if connection.dialect.name == "sqlite":
        made_by = "select name, sql from sqlite_master where name like 'opinion_words%' order by name"
        found["index of words"] = connection.exec_driver_sql(made_by).all()
    return found


def test_a_new_database_is_what_migrations_lead_to(database: Database) -> None:
    with database.write() as connection:
        assert current(connection) == REVISION
        new = told_of_schema(connection)
        metadata.drop_all(connection)
        for name in ("opinion_words", VERSION_TABLE):
            connection.exec_driver_sql(f"drop table {name}")
        for revision in ("0001", REVISION):
            upgrade(connection, "It", revision)
        assert told_of_schema(connection) == new
        options = {"version_table": VERSION_TABLE, "compare_type": True, "include_name": told_by_tables}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []


def test_two_that_open_a_new_database_at_once_both_succeed(database_url: str) -> None:
    faults: list[Exception] = []

    def open_it() -> None:
        try:
            open_database(database_url).close()
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_a_newer_schema_is_refused_and_left_alone(database: Database, database_url: str) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(f"update {VERSION_TABLE} set version_num = '9999'")  # noqa: S608
    with pytest.raises(StorageError, match=r"newer Feilun: its schema is 9999.*pip install --upgrade"):
        open_database(database_url)
    with database.read() as connection:
        assert current(connection) == "9999"


LATE_STEPS = {None: (VERSION, "create"), "0001": (Operations, "create_index")}
"""What comes late where a new database is made, and where an old one is upgraded."""


@pytest.mark.parametrize("before", list(LATE_STEPS))
def test_an_interrupted_upgrade_leaves_no_trace(
    database_url: str, monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    if before is not None:
        with monkeypatch.context() as older:
            older.setattr(storage_database, "upgrade", partial(upgrade, revision=before))
            open_database(database_url).close()

    def fail(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as late:
        late.setattr(*LATE_STEPS[before], fail)
        with pytest.raises(KeyboardInterrupt):
            open_database(database_url)
    assert look_at(database_url)[1] == before
    opened = open_database(database_url)
    with opened.read() as connection:
        assert current(connection) == REVISION
    opened.close()


def test_home_and_address_from_the_environment(own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_database().close()
    assert (own_home / "feilun.db").is_file()
    assert (own_home / "feilun.db").stat().st_mode & 0o077 == 0
    monkeypatch.setenv("FEILUN_DATABASE", f"sqlite:///{tmp_path / 'elsewhere.db'}")
    open_database().close()
    assert (tmp_path / "elsewhere.db").is_file()


@pytest.mark.parametrize("url", ["nonsense", "mysql://u:secret@h/d", "sqlite://", "sqlite:///:memory:", "http://x"])
def test_addresses_of_no_database_are_refused_without_their_password(url: str) -> None:
    with pytest.raises(UsageError, match="Such as sqlite:///") as caught:
        open_database(url)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_said_without_the_password() -> None:
    with pytest.raises(StorageBusy, match="cannot be reached") as caught:
        open_database("postgresql+psycopg://user:secret@127.0.0.1:9/none")
    assert "secret" not in str(caught.value)


class TestSQLite:
    """What a file can suffer."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "feilun.db"

    @pytest.fixture
    def database(self, path: Path) -> Iterator[Database]:
        opened = open_database(f"sqlite:///{path}", busy_seconds=0.2)
        yield opened
        opened.close()

    def write(self, database: Database, count: int = 1) -> None:
        with database.write() as connection:
            observations.add(connection, [seen(i) for i in range(count)])

    def test_durable_without_a_write_ahead_log(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(storage_database, "PRAGMAS", PRAGMAS)  # as shipped: tests/conftest.py syncs nothing
        database = open_database(f"sqlite:///{path}")
        with database.read() as connection:
            settings = {name: connection.exec_driver_sql(f"pragma {name}").scalar() for name in (
                "journal_mode", "synchronous", "foreign_keys"
            )}  # fmt: skip
        assert settings == {"journal_mode": "truncate", "synchronous": 2, "foreign_keys": 1}
        database.close()

    def test_locked(self, database: Database, path: Path) -> None:
        other = sqlite3.connect(path)
        other.execute("begin exclusive")
        with pytest.raises(StorageBusy, match="locked by another program"):
            self.write(database)
        other.close()
        self.write(database)

    def test_deleted_while_open(self, database: Database, path: Path) -> None:
        self.write(database)
        kept = path.with_name("kept.db")
        path.rename(kept)
        with pytest.raises(StorageError, match="gone"):
            self.write(database)
        assert not path.exists()
        kept.rename(path)
        self.write(database)

    def test_full_disk_and_its_end(self, database: Database) -> None:
        with database.engine.connect() as connection:
            pages = connection.exec_driver_sql("pragma page_count").scalar()
            connection.exec_driver_sql(f"pragma max_page_count = {pages}")
        with pytest.raises(StorageFull, match="the disk is full"):
            self.write(database, 500)
        with database.engine.connect() as connection:
            connection.exec_driver_sql("pragma max_page_count = 100000")
        self.write(database, 500)
        with database.read() as connection:
            assert len(observations.latest(connection, "舆情")) == 500
            assert connection.exec_driver_sql("pragma integrity_check").scalar() == "ok"

    def test_a_file_that_is_no_database(self, path: Path) -> None:
        path.write_bytes(b"text,label\n" * 200)
        with pytest.raises(StorageError, match="is no SQLite database"):
            open_database(f"sqlite:///{path}")
        assert path.read_bytes() == b"text,label\n" * 200

    def test_a_folder_in_its_place(self, path: Path) -> None:
        path.mkdir()
        with pytest.raises(StorageError, match="cannot be opened"):
            open_database(f"sqlite:///{path}")

    def test_read_only(self, database: Database, path: Path) -> None:
        database.close()
        path.chmod(0o400)
        try:
            path.open("ab").close()
        except PermissionError:
            with pytest.raises(StorageError, match="cannot be written"):
                self.write(database)
        else:
            pytest.skip("this user may write anything")


def test_deleting_takes_the_feedback_along_and_needs_a_condition(database: Database) -> None:
    with database.write() as connection:
        observations.add(connection, [seen(i) for i in range(12)])
        for i in range(12):
            observations.give(connection, Feedback(f"f{i}", seen(i).id, 1.0, correct=True))
        assert observations.delete(connection, model="other", before=99.0) == []
        assert len(observations.delete(connection, before=2.0)) == 2
        assert len(observations.delete(connection, identities=[seen(5).id, "none"])) == 1
        assert len(observations.delete(connection, containing="快 1")) == 2  # 10 and 11
        assert len(observations.delete(connection, containing="_")) == 0
        with pytest.raises(ValueError, match="everything"):
            observations.delete(connection)
        left = connection.execute(sqlalchemy.text("select count(*) from feedback")).scalar()
    with database.read() as connection:
        assert len(observations.latest(connection, "舆情")) == left == 7


def test_a_look_makes_and_changes_nothing(database_url: str, tmp_path: Path) -> None:
    place, revision = look_at(database_url)
    assert revision is None
    assert "secret" not in place
    open_database(database_url).close()
    assert look_at(database_url)[1] == REVISION
    absent = tmp_path / "nowhere" / "feilun.db"
    assert look_at(f"sqlite:///{absent}") == (str(absent), None)
    assert not absent.parent.exists()
    with open_database(database_url).write() as connection:
        connection.execute(sqlalchemy.text(f"update {VERSION_TABLE} set version_num = '9999'"))  # noqa: S608
    with pytest.raises(StorageError, match="newer Feilun"):
        look_at(database_url)


def test_what_was_written_and_told_is_searched_and_labels_are_not(database: Database) -> None:
    written = {"label": "a title", "score": 0.5, "text": "order 4711 快"}
    with database.write() as connection:
        observations.add(connection, [seen(i) for i in range(3)])
        observations.add(connection, [replace(seen(i), prediction=written) for i in range(3, 6)])
        for i, said in enumerate(("negative", None, None, None, "Dear 李明, 快", None)):
            words = "李明 told me" if i == 1 else None
            observations.give(connection, Feedback(f"f{i}", seen(i).id, 1.0, said, None, words))
        assert observations.delete(connection, containing="negative") == []  # a label of many
        assert sorted(observations.delete(connection, containing="李明")) == sorted([seen(1).id, seen(4).id])
        assert sorted(observations.delete(connection, containing="4711")) == sorted([seen(3).id, seen(5).id])
