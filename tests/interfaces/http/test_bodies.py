"""What a body may not be is refused with a status that says so, and the service goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from feilun.bundles.bundle import open_bundle
from feilun.interfaces.http.app import create_app
from feilun.interfaces.http.bodies import CheckedBodies, Refused, check_text
from feilun.serving.engine import Engine
from feilun.serving.limits import Limits, Overloaded, ShareTaken
from tiny_bundle import made_bundle

LIMITS = Limits(body_bytes=200_000, texts=1000, characters=1000, slow_seconds=0.2)
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    bundle = open_bundle(made_bundle(tmp_path_factory.mktemp("bodies") / "b"), threads=1)
    with TestClient(create_app(Engine({"reviews": bundle}, LIMITS))) as client:
        yield client


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b'{"text": "' + b"x" * 300_000 + b'"}', 413, "larger than 200,000 bytes"),
        (json.dumps({"texts": ["a"] * 10_000}).encode(), 413, "10,000 texts"),
        (json.dumps({"text": "a" * 1001}).encode(), 413, "Text 0 has 1,001 characters"),
        (b"[" * 10_000 + b"]" * 10_000, 422, "more than 32 deep"),
        (b'{"a":' * 10_000, 422, "more than 32 deep"),
        (b'{"text": "\xff\xfe"}', 422, "byte 10"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/predict/reviews", "/v1/feedback"])
def test_bad_bodies(client: TestClient, path: str, body: bytes, status: int, says: str) -> None:
    answer = client.post(path, content=body, headers=JSON)
    if path == "/v1/predict/reviews":
        assert answer.status_code == status
        assert says in answer.json()["error"]["message"]
    else:
        assert answer.status_code in {413, 422}
    assert client.post("/v1/predict/reviews", json={"text": "good"}).status_code == 200


def test_brackets_within_a_text_are_no_nesting(client: TestClient) -> None:
    assert client.post("/v1/predict/reviews", json={"text": '"[{\\' * 99}).status_code == 200


@given(st.recursive(st.text() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_depth_is_that_of_the_value(value: Any) -> None:
    def depth(value: Any) -> int:
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return 0 if inside is None else 1 + max(map(depth, inside), default=0)

    body = json.dumps(value).encode()
    check_text(body, depth(value))
    if depth(value):
        with pytest.raises(Refused):
            check_text(body, depth(value) - 1)


def _talk(limits: Limits, messages: list[dict[str, Any]]) -> tuple[int, int]:
    """Send parts of a body, then nothing more; return the status and how many parts were read."""
    sent: list[dict[str, Any]] = []
    parts = iter(messages)
    read = 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        for part in parts:
            read += 1
            return part
        await asyncio.sleep(60)
        return {}

    async def send(message: Any) -> None:
        sent.append(message)

    async def inside(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("it came through")

    asyncio.run(CheckedBodies(inside, limits)({"type": "http", "headers": []}, receive, send))
    return sent[0]["status"], read


def test_endless_body_is_read_no_further_than_its_limit() -> None:
    part = {"type": "http.request", "body": b"x" * 1000, "more_body": True}
    assert _talk(Limits(body_bytes=10_500), [part] * 1000) == (413, 11)


def test_slow_body_is_given_up() -> None:
    part = {"type": "http.request", "body": b"x", "more_body": True}
    assert _talk(Limits(slow_seconds=0.05), [part]) == (408, 1)


@pytest.mark.parametrize(("refusal", "status"), [(Overloaded, 503), (ShareTaken, 429)])
def test_overload_says_when_to_ask_again(
    refusal: type[Overloaded], status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine({"reviews": open_bundle(made_bundle(tmp_path / "b"), threads=1)})

    async def full(name: str, texts: list[str], client: str, key: str | None) -> None:
        assert client == "testclient"
        raise refusal("9 requests wait.", 7)

    with TestClient(create_app(engine)) as client:
        monkeypatch.setattr(engine, "answer", full)
        answer = client.post("/v1/predict/reviews", json={"text": "a"})
    assert (answer.status_code, answer.headers["retry-after"]) == (status, "7")
