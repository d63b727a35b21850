"""Every request has an id and leaves a line; no text that was sent is in the log."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from feilun.bundles.bundle import open_bundle
from feilun.interfaces.http.app import create_app
from feilun.interfaces.http.json_lines import JsonLines
from feilun.serving.engine import Engine
from tiny_bundle import made_bundle

SECRET = "secretword"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    root = logging.getLogger("feilun")
    former = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield written
    root.removeHandler(handler)
    root.setLevel(former)


def read(written: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine({"reviews": open_bundle(made_bundle(tmp_path / "b"), threads=1)})


def test_a_line_a_request(engine: Engine, lines: io.StringIO) -> None:
    with TestClient(create_app(engine)) as client:
        answer = client.post("/v1/predict/reviews", json={"text": SECRET}, headers={"X-Request-Id": "mine-1.a_B"})
        client.post(f"/v1/predict/{SECRET}", json={"text": "a"})
        client.get(f"/{SECRET}?q={SECRET}")
        client.post("/v1/predict/reviews", json={"text": SECRET, SECRET: SECRET})
    assert answer.headers.get_list("x-request-id") == ["mine-1.a_B"]
    found = [line for line in read(lines) if line["logger"].endswith("requests_log")]  # type: ignore[attr-defined]
    assert [(line["path"], line["status"]) for line in found] == [
        ("/v1/predict/{name}", 200), ("/v1/predict/{name}", 404), ("other", 404), ("/v1/predict/{name}", 422),
    ]  # fmt: skip
    assert found[0]["request"] == "mine-1.a_B"
    assert found[0]["sent"] == len(answer.content)
    assert SECRET not in lines.getvalue()


@pytest.mark.parametrize("sent", [None, "", "a b", "x" * 129, "a/b", "中文", "a\tb"])
def test_an_id_that_is_none_is_made_anew(engine: Engine, sent: str | None) -> None:
    with TestClient(create_app(engine)) as client:
        headers = {} if sent is None else {b"X-Request-Id": sent.encode()}
        first, second = (client.get("/healthz", headers=headers).headers["x-request-id"] for _ in range(2))
    assert first != second
    assert len(first) == 32


def test_two_ids_are_none(engine: Engine) -> None:
    with TestClient(create_app(engine)) as client:
        answer = client.get("/healthz", headers=[("x-request-id", "one"), ("x-request-id", "two")])
    assert answer.headers["x-request-id"] not in {"one", "two"}


def test_an_unexpected_error_says_its_id_and_not_the_text(
    engine: Engine, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(name: str, texts: list[str], client: str, key: str | None) -> None:
        raise RuntimeError(f"cannot read {texts[0]}")

    monkeypatch.setattr(engine, "answer", fail)
    with TestClient(create_app(engine), raise_server_exceptions=False) as client:
        answer = client.post("/v1/predict/reviews", json={"text": SECRET}, headers={"X-Request-Id": "mine"})
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] == "mine"
    assert "mine" in answer.json()["error"]["message"]
    failed = [line for line in read(lines) if "exception" in line]
    assert [(line["exception"], line["request"]) for line in failed] == [("RuntimeError", "mine")]
    assert "requests_log" in failed[0]["places"] or "predict.py" in failed[0]["places"]  # type: ignore[operator]
    assert SECRET not in lines.getvalue()
