"""A real PostgreSQL, where its server is installed: rows are streamed and nothing is changed."""

from __future__ import annotations

import pytest

from databases import made_database
from feilun.core.errors import DataError
from feilun.data.prepare import prepare
from feilun.data.readers.sources import open_rows
from feilun.data.settings import DataSettings

pytest.importorskip("psycopg")


@pytest.fixture(scope="module")
def url(postgres: str) -> str:
    import sqlalchemy

    address = made_database(postgres)
    engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("create table r (id int, text text, label text, at timestamp)")
        connection.exec_driver_sql(
            "insert into r select i, md5(i::text) || ' ' || md5((i * 7)::text), 'l' || mod(i, 3), now() "
            "from generate_series(1, 60000) i"
        )
    return address


def test_rows_are_streamed_in_order(url: str) -> None:
    frames = list(open_rows(url, query="select * from r where id::int > 0 order by id"))
    assert [len(frame) for frame in frames] == [50_000, 10_000]
    assert [int(i) for frame in frames for i in frame["id"]] == list(range(1, 60_001))
    splits = prepare(DataSettings(train=url, query="select * from r where text like '%a%' order by id limit 300"))
    assert splits.report["rows"]["in"] == 300


def test_faults_are_named_and_nothing_is_changed(url: str) -> None:
    for query, says in [
        ("select * from nope", r'"nope" does not exist.*\(its tables: r\)'),
        ("drop table r", "syntax"),
        ("with gone as (delete from r returning *) select * from gone", "read-only|must not contain"),
    ]:
        with pytest.raises(DataError, match=says):
            list(open_rows(url, query=query))
    assert len(next(open_rows(url, query="select ':name' as a, '50%' as b"))) == 1
    assert sum(len(frame) for frame in open_rows(url, query="select id from r")) == 60_000
