"""Rows of a database are read on from the last value of a cursor, on SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from apps.public_opinion.made import NOW, made_intake
from feilun.apps.public_opinion.document import Form
from feilun.apps.public_opinion.sources import query
from feilun.apps.public_opinion.sources.query import SqlQuery
from feilun.core.errors import DataError
from feilun.storage.database import open_database
from feilun.workflow.applications.public_opinion.file import read_application

SELECT = "SELECT number, '青禾汽车 ' || said AS text, moment AS time FROM news WHERE said <> ':none'"


def insert(url: str, *numbers: int) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS news (number INTEGER, said TEXT, moment INTEGER)"))
        for number in numbers:
            connection.execute(
                text("INSERT INTO news VALUES (:number, :said, :moment)"),
                {"number": number, "said": f"召回 {number}", "moment": int(NOW) - 90_000 + number},
            )
    engine.dispose()


def numbers(source: SqlQuery, position: Any) -> tuple[list[int], Any]:
    found: list[int] = []
    for batch in source.read(position):
        found += [record["number"] for _, record in batch.records]
        position = batch.position
    return found, position


def test_rows_are_read_on_from_the_cursor(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "READ_AT_ONCE", 3)
    source = SqlQuery(database_url, SELECT, "number")
    insert(database_url, 5, 1, 3, 2, 4, 7, 6)
    found, position = numbers(source, None)
    assert found == [1, 2, 3, 4, 5, 6, 7]
    assert numbers(source, position)[0] == []
    insert(database_url, 9)
    assert numbers(source, position) == ([9], 9)


def test_rows_become_documents_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'news.db'}"
    insert(url, 1, 2)
    database = open_database(f"sqlite:///{tmp_path / 'own.db'}")
    intake = made_intake(database)
    assert intake.take(SqlQuery(url, SELECT, "number")).new == 2
    insert(url, 3)
    taken = intake.take(SqlQuery(url, SELECT, "number"))
    assert (taken.new, taken.repeated) == (1, 0)
    database.close()


@pytest.mark.parametrize(("select", "cursor"), [("SELECT nothing", "number"), (SELECT, "id"), ("DROP TABLE news", "x")])
def test_what_the_database_refuses_is_told_and_changes_nothing(tmp_path: Path, select: str, cursor: str) -> None:
    url = f"sqlite:///{tmp_path / 'news.db'}"
    insert(url, 1)
    with pytest.raises(DataError, match="refused the query"):
        numbers(SqlQuery(url, select, cursor), None)
    assert numbers(SqlQuery(url, SELECT, "number"), None)[0] == [1]


def test_the_same_query_of_two_databases_has_two_positions(tmp_path: Path) -> None:
    urls = [f"sqlite:///{tmp_path / name}.db" for name in ("a", "b")]
    for url in urls:
        insert(url, 1, 2)
    database = open_database(f"sqlite:///{tmp_path / 'own.db'}")
    intake = made_intake(database)
    assert [intake.take(SqlQuery(url, SELECT, "number", Form(publisher=url[-4]))).new for url in urls] == [2, 2]
    database.close()
    with_other_words = [f"postgresql://{who}@host/name" for who in ("me:old", "me:new", "you")]
    assert len({SqlQuery(url, SELECT, "number").name for url in with_other_words}) == 1


def test_an_address_stays_out_of_messages() -> None:
    source = SqlQuery("postgresql+nothing://me:secret@host/name", SELECT, "number")
    assert "secret" not in repr(source) + source.name
    with pytest.raises(DataError) as told:
        numbers(source, None)
    assert "secret" not in str(told.value)


def test_feeds_and_queries_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "app.toml"
    path.write_text(
        'application = "public-opinion"\nentities = "e.toml"\n[feeds]\nurls = ["https://news.example/rss"]\n'
        '[queries.wire]\nurl = "sqlite:///x.db"\nquery = "SELECT 1 AS id"\ncursor = "id"\n'
    )
    settings = read_application(path)
    assert settings.feeds.urls == ("https://news.example/rss",)
    assert settings.queries["wire"].cursor == "id"
    path.write_text(path.read_text().replace("https://news", "file://news"))
    with pytest.raises(Exception, match="give an http or https address"):
        read_application(path)
