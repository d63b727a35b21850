"""Real servers of NATS, Redis and RabbitMQ, killed and started again: no document is lost, none counts twice."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.public_opinion.made import NOW, made_intake, record
from apps.servers import SERVERS, Server
from feilun.apps.public_opinion.sources.broker import DocumentBroker, receiver
from feilun.apps.public_opinion.sources.inbox import Inbox
from feilun.storage import opinion, opinion_inbox
from feilun.storage.database import Database, open_database
from feilun.workflow.applications.public_opinion.wiring import opened, run

pytest.importorskip("faststream")


def waited(done: Callable[[], Any], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.05)


@pytest.fixture(params=["nats", "redis", pytest.param("amqp", marks=pytest.mark.slow)])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    made = SERVERS[request.param](tmp_path / "server")
    if made.missing():
        pytest.skip(made.missing())
    made.start()
    yield made
    made.stop()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path / 'o.db'}")
    yield opened
    opened.close()


def body(number: int) -> bytes:
    return json.dumps(record(number, f"青禾汽车召回新车 {number}", NOW - 86_400 + number)).encode()


def waiting(database: Database) -> int:
    with database.read() as connection:
        return opinion_inbox.waiting(connection)


def received(database: Database) -> int:
    with database.read() as connection:
        return len({row.record["id"] for row in opinion_inbox.after(connection, 0, 10_000)})


def test_killed_brokers_and_receivers_lose_nothing_and_double_nothing(server: Server, database: Database) -> None:
    settings = DocumentBroker(address=server.address)
    server.publish(*(body(number) for number in range(60)))
    with receiver(settings, database):
        waited(lambda: waiting(database) >= 10)
    before = received(database)
    with receiver(settings, database):  # a second one goes on where the first was stopped
        waited(lambda: received(database) == 60)
        server.kill()
        server.start()
        server.publish(*(body(number) for number in range(50, 90)))  # some of them again
        waited(lambda: received(database) == 90)
    assert before <= 60
    taken = made_intake(database).take(Inbox(database))
    assert taken.new == 90
    assert taken.new + taken.repeated >= 100
    with database.read() as connection:
        assert opinion.totals(connection)[0] == 90


def test_a_broker_that_is_down_at_the_start_is_waited_for(server: Server, database: Database) -> None:
    server.publish(body(1))
    server.kill()
    with receiver(DocumentBroker(address=server.address), database):
        time.sleep(0.5)
        assert waiting(database) == 0
        server.start()
        waited(lambda: waiting(database) == 1)
    with database.read() as connection:
        assert [row.record["id"] for row in opinion_inbox.after(connection, 0, 10)] == [record(1)["id"]]


def test_what_is_no_document_is_a_dead_letter_and_the_stream_goes_on(server: Server, database: Database) -> None:
    server.publish(b"{broken 13812345678", b"[1]", json.dumps([record(1), record(2)]).encode())
    with receiver(DocumentBroker(address=server.address), database):
        waited(lambda: waiting(database) == 2)
    with database.read() as connection:
        letters = opinion.dead_letters(connection)
    assert sorted(letter.reason.partition(":")[0] for letter in letters) == ["no JSON", "no JSON object"]
    assert "13812345678" not in str([letter.record for letter in letters])


def test_an_application_follows_its_broker(server: Server, tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text('[[entity]]\nname = "青禾汽车"\n', encoding="utf-8")
    file = tmp_path / "app.toml"
    file.write_text(
        f'application = "public-opinion"\nentities = "e.toml"\n[broker]\naddress = "{server.address}"\n',
        encoding="utf-8",
    )
    server.publish(*(json.dumps(record(number, time=time.time() - 3600)).encode() for number in (1, 2)))
    with opened(file, f"sqlite:///{tmp_path / 'o.db'}") as application:
        seen: list[int] = []

        def tell(taken: Any, _: Any) -> None:
            seen.append(taken.new)
            if sum(seen) == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(application, follow=True, tell=tell)


def test_an_address_of_no_known_broker_is_refused() -> None:
    (said,) = DocumentBroker("pulsar://localhost:6650").contradictions()
    assert "cannot begin with 'pulsar'" in said
    assert "nats" in said
    assert DocumentBroker("kafka://one:9092,two:9092").contradictions() == []
    (said,) = DocumentBroker("kafka://user:secret@one:9092").contradictions()
    assert "without user and password" in said
    assert DocumentBroker("rediss://user:secret@host:1/0").contradictions() == []
    assert DocumentBroker("rediss://user:secret@host:1/0").place == "rediss://host:1"


@pytest.mark.parametrize("server", ["redis"], indirect=True)
def test_entries_of_redis_may_be_fields_and_what_another_left_is_claimed(server: Server, database: Database) -> None:
    import redis

    client = redis.Redis.from_url(server.address)
    client.xgroup_create("documents", "feilun", id="0", mkstream=True)
    client.xadd("documents", {name: str(value) for name, value in record(1).items()})
    client.xreadgroup("feilun", "who was killed", {"documents": ">"})
    client.xadd("documents", {"__data__": body(2)})
    with receiver(DocumentBroker(address=server.address), database):
        waited(lambda: received(database) == 2)
        waited(lambda: client.xpending("documents", "feilun")["pending"] == 0)
    client.close()
