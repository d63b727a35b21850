"""Sources of other machines are read aside: one that hangs holds nobody up, and nothing is lost, doubled or hoarded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from apps.public_opinion.made import NOW, made_intake
from apps.public_opinion.site import Site, gives, local, served
from feilun.apps.public_opinion.intake import Taken
from feilun.apps.public_opinion.sources import feed as feeds
from feilun.apps.public_opinion.sources.aside import Aside
from feilun.apps.public_opinion.sources.feed import Feed
from feilun.apps.public_opinion.sources.query import SqlQuery
from feilun.core.errors import DataError, StorageError
from feilun.storage.database import Database, open_database

PAGE = "<html><body><article><p>" + "青禾汽车今日宣布召回存在刹车缺陷的新车。" * 20 + "</p></article></body></html>"


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as found:
        yield found


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    held = open_database(f"sqlite:///{tmp_path / 'o.db'}")
    yield held
    held.close()


def until(done: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def answering(site: Site, hanging: threading.Event) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer with entries whose number follows `/feed`; pages at once, and `/hangs` once a test is over."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        if request.path == "/hangs":
            hanging.wait(20)
        numbers = [int(part) for part in request.path.rpartition("/")[2].split("-") if part.isdecimal()]
        gives(PAGE.encode() if request.path.startswith("/page") else site.rss(*numbers), ETag='"v"')(request)

    return answer


def test_feeds_that_hang_hold_up_neither_the_writer_nor_the_other_feeds(site: Site, database: Database) -> None:
    over = threading.Event()
    site.answer = answering(site, over)
    aside, intake, fetcher = Aside(), made_intake(database), local()
    hanging = [Feed(site.url("/hangs"), fetcher), Feed(site.url("/hangs?2"), fetcher)]
    good = [Feed(site.url(f"/feed/{number}"), fetcher, clock=lambda: NOW) for number in range(12)]
    total, rounds, slowest = Taken(), 0, 0.0
    while total.new < 12:
        for feed in (*hanging, *good):
            began = time.monotonic()
            total += intake.take(aside.of(feed))
            slowest = max(slowest, time.monotonic() - began)
        rounds += 1
        assert rounds < 100
    assert slowest < 5  # of twenty that they hang
    assert total == Taken(new=12)
    over.set()


def test_what_was_not_written_is_given_again_and_not_fetched_again(site: Site, database: Database) -> None:
    site.answer = answering(site, threading.Event())
    aside, intake = Aside(), made_intake(database)
    feed = Feed(site.url("/feed/1-2"), local(), clock=lambda: NOW)
    write, refusals = intake._write, [1, 1]

    def refusing(*given: Any, **named: Any) -> Taken:
        if refusals:
            refusals.pop()
            raise StorageError("The disk is full.")
        return write(*given, **named)

    intake._write = refusing  # type: ignore[method-assign]
    total = Taken()

    def taken() -> bool:
        nonlocal total
        try:
            total += intake.take(aside.of(feed))
        except StorageError:
            return False
        return total.new == 2

    until(taken)
    assert (total, len(site.asked)) == (Taken(new=2), 1)
    assert intake.take(aside.of(feed)) == Taken()


def test_a_process_that_ends_between_fetching_and_writing_loses_nothing(site: Site, database: Database) -> None:
    site.answer = answering(site, threading.Event())
    feed = Feed(site.url("/feed/1-2"), local(), clock=lambda: NOW)
    killed = Aside()
    until(lambda: next(killed.read(feed, None), None) is not None)  # and its memory is gone
    intake, total = made_intake(database), Taken()
    after = Aside()

    def taken() -> bool:
        nonlocal total
        total += intake.take(after.of(feed))
        return total.new == 2

    until(taken)
    assert total == Taken(new=2)


def test_pages_of_many_entries_come_in_parts_and_the_version_is_marked_with_the_last(
    site: Site, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "MOST_CHARACTERS", 500)
    site.answer = answering(site, threading.Event())
    feed = Feed(site.url("/feed/1-2-3-4-5"), local(), bodies=True, clock=lambda: NOW)
    batches = list(feed.read(None))
    assert [len(batch.records) for batch in batches] == [2, 2, 1]
    assert [batch.position["etag"] for batch in batches] == ["", "", '"v"']
    pages = [path for path, _ in site.asked if path.startswith("/page")]
    assert len(pages) == len(set(pages)) == 5
    (*_, last) = feed.read(batches[0].position)  # killed behind the first part
    assert (len(last.records), last.position["seen"]) == (1, batches[-1].position["seen"])
    intake, aside, total = made_intake(database), Aside(), Taken()

    def all_taken() -> bool:
        nonlocal total
        total += intake.take(aside.of(feed), seconds=0)  # leaves after each part
        return total.new == 5

    until(all_taken)
    assert total == Taken(new=5)


def test_memory_holds_no_more_batches_than_sources_are_read_at_once(site: Site) -> None:
    site.answer = answering(site, threading.Event())
    aside = Aside(most=3)
    sources = [Feed(site.url(f"/feed/{number}"), local(), clock=lambda: NOW) for number in range(9)]
    for _ in range(3):
        for source in sources:
            next(aside.read(source, None), None)  # nothing of it is ever written
    until(lambda: len(site.asked) == 3)
    time.sleep(0.1)
    assert len(site.asked) == 3


def test_an_error_of_a_source_is_raised_where_it_is_taken_and_it_is_read_anew(
    database: Database, tmp_path: Path
) -> None:
    other = f"sqlite:///{tmp_path / 'none.db'}"
    query = SqlQuery(other, "SELECT 1 AS id, '好' AS text, 'x' AS time", "number")
    aside, intake = Aside(), made_intake(database)
    errors: list[DataError] = []

    def raised_twice() -> bool:
        try:
            intake.take(aside.of(query))
        except DataError as error:
            errors.append(error)
        return len(errors) == 2

    until(raised_twice)
    assert all("gives the column 'number'" in str(error) for error in errors)


def test_rows_of_a_query_are_read_on_while_they_are_written(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feilun.apps.public_opinion.sources.query.READ_AT_ONCE", 3)
    rows = " UNION ALL ".join(
        f"SELECT {n} AS id, '青禾汽车 {n}' AS text, {int(NOW) - 9000 + n} AS time" for n in range(20)
    )
    query = SqlQuery(f"sqlite:///{tmp_path / 'wire.db'}", rows, "id")
    aside, intake, total = Aside(), made_intake(database), Taken()

    def all_taken() -> bool:
        nonlocal total
        total += intake.take(aside.of(query), seconds=0)  # leaves after each batch
        return total.new == 20

    until(all_taken)
    assert total == Taken(new=20)
