"""Long times are told by days that add up to the hours; no query reads all; what is old leaves and does not return."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import column, event, select, table

from apps.public_opinion.made import NOW, WIDTH, made_intake, record, write_lines
from feilun.apps.public_opinion import trends
from feilun.apps.public_opinion.sources.files import Files
from feilun.core.errors import RecipeError
from feilun.storage import opinion, opinion_counts, opinion_retention
from feilun.storage.database import Database, open_database
from feilun.storage.tables.every import metadata
from feilun.storage.tables.public_opinion import opinion_counts as opinion_counts_table
from feilun.storage.tables.public_opinion import opinion_daily_counts, opinion_documents
from feilun.storage.upgrade import VERSION_TABLE, upgrade
from feilun.workflow.applications.public_opinion.file import read_application

DAY = 86_400
COUNT, DAYS = 300, 60
BEGIN = (int(NOW) // DAY - DAYS) * DAY


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    yield opened
    opened.close()


def filled(database: Database, folder: Path, **settings: float) -> list[int]:
    """Write documents of sixty days, and return their times."""
    drawn = random.Random(0)
    times = sorted(drawn.randrange(BEGIN, int(NOW) - DAY) for _ in range(COUNT))
    texts = ("青禾汽车召回新车", "Northlake Bank posts record profit", "天气转冷")
    lines = [record(i, f"{texts[i % 3]} {drawn.random()}", time) for i, time in enumerate(times)]
    made_intake(database, **settings).take(Files(write_lines(folder / "a.jsonl", lines)))
    return times


@pytest.mark.parametrize(("since", "until"), [(0, None), (5 * DAY + 7 * WIDTH, None), (3 * WIDTH, 40 * DAY + WIDTH)])
def test_days_add_up_to_their_hours(database: Database, tmp_path: Path, since: int, until: int | None) -> None:
    times = filled(database, tmp_path)
    end = None if until is None else BEGIN + until
    with database.read() as connection:
        asked = {"since": BEGIN + since, "until": end}
        found = trends.trends(connection, WIDTH, topic="", **asked)
        hours = opinion_counts.counts(connection, topic="", **asked)
    assert {one.seconds for one in found} == {DAY}
    wanted = Counter({(row.entity, row.bucket // DAY * DAY): 0 for row in hours})
    for row in hours:
        wanted[row.entity, row.bucket // DAY * DAY] += row.documents
    got = {
        (one.entity, bucket): count
        for one in found
        for bucket, count in zip(one.buckets.tolist(), one.documents.tolist(), strict=True)
    }
    assert {name: count for name, count in got.items() if count} == dict(wanted)
    everything = next(one for one in found if not one.entity)
    within = [time for time in times if BEGIN + since <= time and (end is None or time < end)]
    assert everything.documents.sum() == len(within)


def test_weeks_add_up_to_their_days(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(database, tmp_path)
    monkeypatch.setattr(trends, "LONG_DAYS", 30)
    asked = {"topic": "", "since": BEGIN + 5 * DAY + 7 * WIDTH, "until": BEGIN + 50 * DAY + WIDTH}
    with database.read() as connection:
        days, weeks = (trends.trends(connection, WIDTH, **asked, weeks=weeks) for weeks in (False, True))
    assert [one.entity for one in days] == [one.entity for one in weeks]
    for by_day, by_week in zip(days, weeks, strict=True):
        assert by_week.seconds == 7 * DAY
        assert {datetime.fromtimestamp(bucket, UTC).weekday() for bucket in by_week.buckets.tolist()} == {0}
        added: Counter[int] = Counter()
        for bucket, count in zip(by_day.buckets.tolist(), by_day.negative.tolist(), strict=True):
            added[max(monday for monday in by_week.buckets.tolist() if monday <= bucket)] += count
        assert [added[monday] for monday in by_week.buckets.tolist()] == by_week.negative.tolist()


def test_a_short_time_is_told_by_buckets(database: Database, tmp_path: Path) -> None:
    filled(database, tmp_path)
    with database.read() as connection:
        found = trends.trends(connection, WIDTH, since=NOW - 10 * DAY, topic="", entity="")
    assert found[0].seconds == WIDTH


@pytest.mark.parametrize("revision", ["0011", "0014"])
def test_what_was_counted_before_stays_where_a_database_is_upgraded(
    database: Database, tmp_path: Path, revision: str
) -> None:
    filled(database, tmp_path)
    tables = [opinion_documents, opinion_counts_table, *([opinion_daily_counts] if revision > "0011" else [])]

    def all_rows() -> list[list[dict[str, Any]]]:
        every = [opinion_documents, opinion_counts_table, opinion_daily_counts]
        return [list(map(dict, connection.execute(select(one).order_by(*one.primary_key)).mappings())) for one in every]

    with database.write() as connection:
        wanted = all_rows()
        metadata.drop_all(connection)
        for name in ("opinion_words", VERSION_TABLE):
            connection.exec_driver_sql(f"drop table if exists {name}")
        upgrade(connection, "It", revision)
        for old, rows in zip(tables, wanted, strict=False):
            columns = [name for name in old.c if name.name != "region"]
            said = table(old.name, *(column(one.name, one.type) for one in columns))
            connection.execute(said.insert(), [{one.name: row[one.name] for one in columns} for row in rows])
        upgrade(connection, "It")
        assert all_rows() == wanted
        assert all(wanted)
        assert opinion_counts.regions(connection) == []


@pytest.mark.parametrize("which", [{"topic": ""}, {"entity": ""}, {"topic": "", "entity": "x"}, {"entity": "x"}, {}])
@pytest.mark.parametrize("read", [opinion_counts.counts, opinion_counts.daily_counts])
def test_a_query_reads_no_other_times(tmp_path: Path, read: Callable[..., Any], which: dict[str, str]) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    asked: list[tuple[str, Any]] = []
    event.listen(database.engine, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
    with database.read() as connection:
        read(connection, since=DAY, until=9 * DAY, **which)
        ((query, values),) = [one for one in asked if one[0].startswith("SELECT")]
        plan = connection.exec_driver_sql(f"explain query plan {query}", values).first()
    database.close()
    assert plan is not None
    assert plan.detail.startswith("SEARCH opinion_")
    assert "bucket>?" in plan.detail or (read is opinion_counts.daily_counts and not which)


def test_what_is_old_leaves_and_its_days_stay(database: Database, tmp_path: Path) -> None:
    times = filled(database, tmp_path)
    intake = made_intake(database, keep_days=35)
    with database.read() as connection:
        before = trends.trends(connection, WIDTH, topic="", entity="")[0].documents.tolist()
    horizon = int((intake.watermark - 35 * DAY) // DAY) * DAY
    old = sum(time < horizon for time in times)
    assert intake.retain() == old > 50
    assert intake.retain() == 0
    again = made_intake(database, keep_days=35).take(Files(tmp_path / "a.jsonl"))
    assert again.new == again.repeated == 0  # its position was kept
    renamed = write_lines(tmp_path / "b.jsonl", [record(i, "旧文", time) for i, time in enumerate(times[:3])])
    assert made_intake(database).take(Files(renamed)).dead == 3
    with database.write() as connection:
        assert opinion.totals(connection)[0] == COUNT - old
        assert opinion_counts.counts(connection, until=horizon) == []
        assert trends.trends(connection, WIDTH, topic="", entity="", since=BEGIN)[0].documents.sum() == COUNT
        trends.recount(connection, WIDTH, opinion_retention.horizon(connection))
        assert opinion_counts.daily_counts(connection, topic="", entity="")
        assert sum(row.documents for row in opinion_counts.daily_counts(connection, topic="", entity="")) == sum(before)


def test_a_removal_that_was_interrupted_goes_on(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(database, tmp_path)
    monkeypatch.setattr(opinion_retention, "REMOVED_AT_ONCE", 20)
    with monkeypatch.context() as patch:

        def killed(*_: object) -> int:
            raise KeyboardInterrupt

        patch.setattr(opinion_retention, "remove_before", killed)
        with pytest.raises(KeyboardInterrupt):
            made_intake(database, keep_days=35).retain()
    assert made_intake(database, keep_days=35).retain() > 50


def test_too_few_days_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('application = "public-opinion"\nentities = "e.toml"\n[retention]\ndays = 7\n', encoding="utf-8")
    with pytest.raises(RecipeError, match=r"retention\.days must be 0 or at least 35"):
        read_application(path)
