"""A real server in a process of its own, on a free loopback port."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from feilun.bundles.bundle import open_bundle
from feilun.bundles.registry import next_version
from feilun.core.errors import ServiceError, UsageError
from feilun.storage import observations
from feilun.storage.database import open_database
from feilun.workflow import service
from tiny_bundle import WORDS, made_bundle

START = """
import sys
from feilun.interfaces.http.app import create_app
from feilun.workflow import service
def say(line):
    print(line, flush=True)
    assert not {"torch", "transformers", "polars", "sklearn", "alembic"} & set(sys.modules)
service.serve(sys.argv[1:], create_app, port=0, threads=1, say=say)
"""


@pytest.fixture
def server(own_home: Path) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    made_bundle(next_version("评论"))
    process = subprocess.Popen(
        [sys.executable, "-c", START, "评论@1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    first = process.stdout.readline()
    found = re.search(r":(\d+)(/v1/predict/\S+)", first)
    assert found, first + process.stderr.read()  # type: ignore[union-attr]
    try:
        yield process, int(found[1]), found[2]
    finally:
        process.kill()
        process.communicate()


def ask(port: int, path: str, text: str) -> tuple[int, dict[str, object]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", path, json.dumps({"text": text}), {"content-type": "application/json"})
    answer = connection.getresponse()
    result = answer.status, json.loads(answer.read())
    connection.close()
    return result


def test_concurrent_requests_get_what_single_ones_get(server: tuple[subprocess.Popen[str], int, str]) -> None:
    process, port, path = server
    texts = [f"{a} {b}" for a in WORDS for b in WORDS][:120]
    expected = [prediction.label for prediction in open_bundle("评论", threads=1).predict(texts)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda text: ask(port, path, text), texts))
    assert {status for status, _ in answers} == {200}
    assert [body["predictions"][0]["label"] for _, body in answers] == expected  # type: ignore[index]
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    database = open_database()
    with database.read() as connection:
        kept = {one.id: one for one in observations.latest(connection, "reviews")}
    database.close()
    for text, (_, body) in zip(texts, answers, strict=True):
        answer = body["predictions"][0]  # type: ignore[index]
        found = kept.pop(answer.pop("observation"))
        assert (found.text, found.bundle, dict(found.prediction)) == (text, "reviews@1", answer)
    assert not kept


def test_small_answers_are_sent_at_once() -> None:
    """Without TCP_NODELAY an answer waits 40 ms for the other side's acknowledgement."""

    async def main() -> None:
        accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = writer.get_extra_info("socket")
            accepted.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listener = service.listen("127.0.0.1", 0)
        async with await asyncio.start_server(answer, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            assert await asyncio.wait_for(accepted, 5)
            writer.close()

    asyncio.run(main())


def test_port_in_use_is_said_before_anything_is_loaded(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServiceError, match=rf"Port {port} of 127\.0\.0\.1 cannot be used.*--port"):
            service.serve([str(tmp_path / "no bundle")], lambda engine, desk, access: engine, port=port)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])  # noqa: S104
def test_addresses_that_others_can_reach_are_refused(host: str) -> None:
    with pytest.raises(UsageError, match="other machines could reach it"):
        service.serve(["x"], lambda engine, desk, access: engine, host=host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1"])
def test_own_addresses_are_taken(host: str) -> None:
    assert service.access_to(host, None).tokens is None
