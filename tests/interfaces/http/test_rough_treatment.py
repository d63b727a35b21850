"""A running service meets what nobody should send or do: it says what is wrong, stays up, and loses nothing."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from feilun.bundles.registry import next_version
from feilun.storage import observations
from feilun.storage.database import open_database
from tiny_bundle import made_bundle

PATH = "/v1/predict/reviews"


@contextmanager
def service() -> Iterator[int]:
    """Run `feilun serve reviews` in a process of its own; yield its port."""
    command = [sys.executable, "-m", "feilun.interfaces.cli.main", "serve", "reviews", "--port", "0", "--threads", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found = re.search(r":(\d+)/v1", first := process.stdout.readline())
    try:
        assert found, first + process.stderr.read()  # type: ignore[union-attr]
        yield int(found[1])
        assert process.poll() is None, "the service ended by itself"
        process.send_signal(signal.SIGTERM)
        process.wait(15)
    finally:
        process.kill()
        process.communicate()


def ask(port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    sent = json.dumps(body).encode() if body is not None and not isinstance(body, bytes) else body
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request(method, path, sent, {"content-type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        said = answer.read()
        return answer.status, json.loads(said) if said.startswith((b"{", b"[")) else said.decode()


def observed(port: int, text: str = "good") -> str:
    status, said = ask(port, "POST", PATH, {"text": text})
    assert status == 200
    return str(said["predictions"][0]["observation"])


@pytest.fixture
def version(own_home: Path) -> Path:
    return made_bundle(next_version("reviews"))


def test_bodies_that_are_far_too_large_and_clients_that_are_far_too_slow(version: Path) -> None:
    with service() as port:
        for length in (b"content-length: 104857600", b"transfer-encoding: chunked"):
            with closing(socket.create_connection(("127.0.0.1", port), 20)) as client:
                client.sendall(b"POST %b HTTP/1.1\r\nhost: localhost\r\n%b\r\n\r\n" % (PATH.encode(), length))
                sent = 0
                try:
                    while sent < 100 * 1024**2:  # the service hangs up long before
                        sent += len(b"100000\r\n") + 1024**2
                        client.sendall(b"100000\r\n" + b"x" * 1024**2 + b"\r\n")
                except OSError:
                    pass
                assert sent < 40 * 1024**2
        assert ask(port, "POST", PATH, {"texts": ["a"] * 10_000})[0] == 413
        assert ask(port, "POST", PATH, b'{"text": "\xff"}')[0] == 422
        assert ask(port, "POST", PATH, b'{"a":' * 10_000)[0] == 422
        waiting = [socket.create_connection(("127.0.0.1", port), 20) for _ in range(50)]
        for client in waiting:  # and never more than that
            client.sendall(b"POST %b HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{" % PATH.encode())
        began = time.monotonic()
        assert observed(port)
        assert time.monotonic() - began < 5
        for client in waiting:
            client.close()


def test_a_bundle_that_is_deleted_while_it_serves(version: Path) -> None:
    with service() as port:
        before = ask(port, "POST", PATH, {"texts": ["good", "bad"]})
        shutil.rmtree(version.parent)
        after = ask(port, "POST", PATH, {"texts": ["good", "bad"] * 200, "ranked": 0})
        assert after[0] == 200
        assert after[1]["predictions"][0]["label"] == before[1]["predictions"][0]["label"]
        for path in ("/v1/models", "/v1/models/reviews", "/metrics", "/readyz"):
            assert ask(port, "GET", path)[0] == 200, path
        said = {"observation": before[1]["predictions"][0]["observation"], "label": "bad"}
        assert ask(port, "POST", "/v1/feedback", said)[0] == 201


def test_a_database_that_is_locked_then_gone_then_back(version: Path, own_home: Path) -> None:
    place = own_home / "feilun.db"
    with service() as port:
        first = observed(port, "first")
        assert ask(port, "POST", "/v1/feedback", {"observation": first, "thumbs": "up"})[0] == 201
        with closing(sqlite3.connect(place, isolation_level=None)) as other:
            other.execute("begin exclusive")
            locked = observed(port, "while locked")
            other.execute("rollback")
        place.rename(own_home / "elsewhere.db")
        gone = observed(port, "while gone")
        status, said = ask(port, "POST", "/v1/feedback", {"observation": gone, "thumbs": "up"})
        assert status == 503
        assert "gone" in said["error"]["message"]
        assert not place.exists()
        (own_home / "elsewhere.db").rename(place)
        deadline = time.monotonic() + 15
        while (
            ask(port, "POST", "/v1/feedback", {"observation": gone, "thumbs": "up"}, {"idempotency-key": "k"})[0] > 201
        ):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        last = observed(port, "last")
    database = open_database()
    with database.read() as connection:
        kept = {one.text: (one.id, len(one.feedback)) for one in observations.latest(connection, "reviews")}
    database.close()
    assert kept == {"first": (first, 1), "while locked": (locked, 0), "while gone": (gone, 1), "last": (last, 0)}


def test_two_services_on_one_home_share_what_they_know(version: Path) -> None:
    with service() as one, service() as other:
        ids = {port: [observed(port, f"{port} {i}") for i in range(20)] for port in (one, other)}
        for port, sibling in ((one, other), (other, one)):
            deadline = time.monotonic() + 15
            while ask(port, "POST", "/v1/feedback", {"observation": ids[sibling][-1], "thumbs": "up"})[0] != 201:
                assert time.monotonic() < deadline  # the sibling writes it within a fraction of a second
                time.sleep(0.1)
    database = open_database()
    with database.read() as connection:
        kept = [one.id for one in observations.latest(connection, "reviews")]
    database.close()
    assert sorted(kept) == sorted([*ids[one], *ids[other]])


def test_a_clock_that_goes_backwards_changes_no_order(
    own_home: Path, version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from feilun.bundles.bundle import open_bundle
    from feilun.monitoring.feedback import FeedbackDesk
    from feilun.monitoring.log import ObservationLog

    bundle, database = open_bundle(version, threads=1), open_database()
    with ObservationLog(database) as log:
        desk = FeedbackDesk(log, lambda _: bundle.labels.names)
        real = time.time()
        identities = []
        for hour in (0, -2, -1, -5):
            monkeypatch.setattr(time, "time", lambda hour=hour: real + 3600 * hour)
            (identity,) = log.observe("reviews@1", [f"at {hour}"], bundle.predict(["good"]), 0.1)
            desk.give(str(identity), label="bad")
            identities.append(identity)
    with database.read() as connection:
        kept = observations.latest(connection, "reviews")
        assert [one.id for one in kept] == identities
        assert all(len(one.feedback) == 1 for one in kept)
        assert [one.id for one in observations.latest(connection, "reviews", count=2)] == identities[2:]
    database.close()
