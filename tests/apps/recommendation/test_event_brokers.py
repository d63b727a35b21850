"""Events of real brokers: killed and started again none is lost and none counts twice; what is no event is kept."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from shops import made_shop, trained

from apps.servers import SERVERS, Server
from feilun.apps.brokers.receiver import Receiver
from feilun.apps.recommendation.broker import take_message
from feilun.apps.recommendation.settings import EventBroker
from feilun.apps.recommendation.shop import Shop
from feilun.apps.recommendation.stored_data import stored_data
from feilun.core.errors import StorageError
from feilun.storage.database import Database, open_database
from feilun.storage.dead_letters import DeadLetters
from feilun.storage.event_queue import EventQueue


@pytest.fixture(params=["nats", "redis", pytest.param("amqp", marks=pytest.mark.slow), "kafka"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    pytest.importorskip("faststream")
    made = SERVERS[request.param](tmp_path / "server", "events")
    if made.missing():
        pytest.skip(made.missing())
    made.start()
    yield made
    made.stop()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path / 'shop.db'}")
    yield opened
    opened.close()


@pytest.fixture
def refused(tmp_path: Path) -> DeadLetters:
    return DeadLetters(tmp_path / "refused")


def reopened(database: Database) -> Shop:
    """Return a shop as it is after a start: it knows what the database holds."""
    shop = made_shop(database)
    shop.recommender.observe(stored_data(database, "tiny").events)
    return shop


def body(number: int) -> bytes:
    items = trained()[0].items
    event = {"id": f"e{number}", "user": "u", "item": items[number].id, "time": trained()[0].now + number}
    return json.dumps(event).encode()


def count(shop: Shop) -> int:
    return len(shop.recommender.histories.of("u", trained()[0].now + 10_000))


def waited(done: Callable[[], Any], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.02)


def test_killed_brokers_and_consumers_lose_nothing_and_double_nothing(
    server: Server, database: Database, refused: DeadLetters
) -> None:
    settings, shop, written = EventBroker(server.address), made_shop(database), Counter[bytes]()

    def killed_before_the_acknowledgement(message: bytes) -> None:
        take_message(shop, refused, "events", message)
        written[message] += 1
        if written[message] == 1 and len(written) > 10:
            raise KeyError("as if the process had ended here")

    server.publish(*map(body, range(30)))
    with Receiver(settings, killed_before_the_acknowledgement):
        waited(lambda: len(written) >= 15)
    shop = reopened(database)
    with Receiver(settings, lambda message: take_message(shop, refused, "events", message)):
        waited(lambda: count(shop) == 30)
        if server.keeps:
            server.kill()
            server.start()
        server.publish(*map(body, range(20, 60)))  # some of them again
        waited(lambda: count(shop) == 60)
        server.publish(body(0), body(60))
        waited(lambda: count(shop) == 61)
    assert sorted(event.id for event in stored_data(database, "tiny").events) == sorted(f"e{i}" for i in range(61))
    assert count(reopened(database)) == 61
    assert refused.all() == []


def test_what_the_database_refuses_comes_again(server: Server, tmp_path: Path, refused: DeadLetters) -> None:
    path, away = tmp_path / "shop.db", tmp_path / "away.db"
    database = open_database(f"sqlite:///{path}")
    shop, failed = made_shop(database), []
    database.close()
    path.rename(away)

    def take(message: bytes) -> None:
        try:
            take_message(shop, refused, "events", message)
        except StorageError:
            failed.append(message)
            raise

    server.publish(body(1), body(2))
    with Receiver(EventBroker(server.address), take):
        waited(lambda: failed)
        assert count(shop) == 0
        away.rename(path)
        waited(lambda: count(shop) == 2)
    database.close()


def test_what_is_no_event_is_kept_with_its_reason_and_the_stream_goes_on(
    server: Server, database: Database, refused: DeadLetters
) -> None:
    shop = made_shop(database)
    server.publish(b"{broken 13812345678", b"[1]", json.dumps([json.loads(body(1)), {"user": "u"}]).encode(), body(2))
    with Receiver(EventBroker(server.address), lambda message: take_message(shop, refused, "events", message)):
        waited(lambda: count(shop) == 2 and len(refused.all()) == 3)
    assert sorted(one.reason.partition(":")[0] for one in refused.all()) == [
        "'item' must be 1 to 200 printable characters, not ''.", "no JSON", "no JSON object",
    ]  # fmt: skip


HOSTILE = {
    "a list as type": b'{"user": "u", "item": "a", "type": []}',
    "a number beyond floats": b'{"user": "u", "item": "a", "value": 1' + b"0" * 400 + b"}",
    "half a character": b'{"user": "\\ud800", "item": "a"}',
    "not a number": b'{"user": "u", "item": "a", "value": NaN}',
    "very deep": b'{"user": "u", "item": ' + b"[" * 500 + b"]" * 500 + b"}",
    "deep beyond JSON": b"[" * 100_000,
    "no UTF-8": b'{"user": "\xff", "item": "a"}',
    "nothing": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_messages_are_kept_once_and_never_come_again(
    name: str, database: Database, refused: DeadLetters
) -> None:
    shop = made_shop(database)
    for _ in range(2):
        take_message(shop, refused, "events", HOSTILE[name])
    (one,) = refused.all()
    assert one.reason
    assert one.source == "events"
    assert stored_data(database, "tiny").events == []


def test_who_is_forgotten_is_in_no_refused_message_and_in_no_waiting_file(
    database: Database, refused: DeadLetters, tmp_path: Path
) -> None:
    shop = made_shop(database)
    shop.queue, shop.refused = EventQueue(tmp_path / "waiting"), refused
    of_another_process = EventQueue(tmp_path / "waiting")
    rows = [{"id": str(n), "user": user, "item": "tea-1a", "type": "click", "value": 1.0, "time": 1.0, "ranking": None}
            for n, user in enumerate(("u", "other", "u"))]  # fmt: skip
    of_another_process.append(rows)
    take_message(shop, refused, "events", b'[{"user": "u"}, {"user": "other"}]')
    take_message(shop, refused, "events", b"user u, broken")
    shop.forget("u")
    assert [one.record for one in refused.all()] == [{"user": "other"}]
    assert [row["user"] for row in of_another_process.rows()] == ["other"]
    of_another_process.append(rows[:1])
    assert [row["user"] for row in of_another_process.rows()] == ["other", "u"]
    assert refused.clear(time.time()) == 1
    assert refused.all() == []
