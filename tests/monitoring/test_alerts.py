"""A message arrives once; a channel that fails is tried again, and one that hangs holds up nobody."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Timer

import pytest

from feilun.core.errors import UsageError
from feilun.monitoring import alerts as alerts_module
from feilun.monitoring.alerts import ATTEMPTS, Alerts, Message
from feilun.storage import deliveries
from feilun.storage.database import Database, open_database


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setattr(alerts_module, "LOOK_SECONDS", 0.02)
    opened = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    yield opened
    opened.close()


def listed(database: Database) -> dict[str, str | None]:
    with database.read() as connection:
        return {f"{one['key']} {one['channel']}": one["error"] for one in deliveries.listed(connection)}


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_is_told_last_is_sent_before_the_end(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    looked, go_on = Event(), Event()
    alerts = Alerts(database, {"people": lambda title, body: told.append(title) is None})
    look = alerts._next

    def slow(name: str) -> bool:
        found = look(name)
        looked.set()
        go_on.wait(10)
        return found

    monkeypatch.setattr(alerts, "_next", slow)
    with alerts:
        assert looked.wait(10)  # the thread has seen nothing, and is slow to notice what comes now
        alerts.tell(Message("k", "last words", "b"))
        Timer(0.2, go_on.set).start()
    assert told == ["last words"]


def test_once_again_and_never_for_long(database: Database) -> None:
    told: list[str] = []
    broken: list[str] = []
    release = Event()

    def fail(title: str, body: str) -> bool:
        broken.append(title)
        return False

    channels = {"good": lambda title, body: told.append(title) is None, "bad": fail, "slow": lambda *_: release.wait(9)}
    with Alerts(database, channels, patience_seconds=0.2, retry_seconds=0.01) as alerts:
        began = time.monotonic()
        for number in range(5):
            alerts.tell(Message("k", "t", "b"))
            alerts.tell(Message(f"k{number}", f"t{number}", "b"), ("good",))
        assert time.monotonic() - began < 2  # nobody waits for the slow one
        until(lambda: len(told) == 6 and len(broken) == ATTEMPTS)
        with pytest.raises(UsageError, match="no channel 'x'"):
            alerts.tell(Message("k", "t", "b"), ("x",))
    release.set()
    found = listed(database)
    assert told == ["t", "t0", "t1", "t2", "t3", "t4"]
    assert broken == ["t"] * ATTEMPTS
    assert found["k good"] is None
    assert "refused" in str(found["k bad"])
    assert "no answer within 0.2 s" in str(found["k slow"])


def test_what_was_not_sent_is_sent_by_the_next_process(database: Database, tmp_path: Path) -> None:
    Alerts(database, {"a": lambda *_: True}).tell(Message("k", "something went up", "body"))  # and the process dies
    assert listed(database) == {"k a": deliveries.WAITS}
    told: list[tuple[str, str]] = []
    with Alerts(database, {"a": lambda *said: told.append(said) is None}) as alerts:
        until(lambda: bool(told))
        alerts.tell(Message("k", "something went up", "body"))
    assert told == [("something went up", "body")]
    assert listed(database) == {"k a": None}
    assert b"something went up" not in (tmp_path / "a.db").read_bytes()  # what arrived is not kept


def test_a_hanging_channel_ends_within_its_patience(database: Database) -> None:
    release = Event()
    with Alerts(database, {"slow": lambda *_: release.wait(9)}, patience_seconds=0.3) as alerts:
        for number in range(9):
            alerts.tell(Message(f"k{number}", "t", "b"))
        began = time.monotonic()
    assert time.monotonic() - began < 2
    assert list(listed(database).values()).count(deliveries.WAITS) >= 8  # they wait for the next time
    release.set()


def test_no_more_wait_than_may(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts_module, "MOST_WAITING", 3)
    alerts = Alerts(database, {"a": lambda *_: True})
    for number in range(5):
        alerts.tell(Message(f"k{number}", "t", "b"))
    assert len(listed(database)) == 3


def test_a_clock_that_was_set_back_makes_nothing_wait_for_days(database: Database) -> None:
    for later, is_due in ((3600, False), (30 * 86_400, True)):
        with database.write() as connection:
            deliveries.add(connection, f"k{later}", f"c{later}", "t", "b")
            waiting = deliveries.due(connection, f"c{later}")
            assert waiting is not None
            deliveries.note(connection, waiting.sequence, "refused", time.time() + later)
            assert (deliveries.due(connection, f"c{later}") is not None) == is_due
