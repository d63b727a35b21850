"""Who may ask: every route of the application, tokens by scope, and names."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from feilun.bundles.bundle import open_bundle
from feilun.core.errors import StorageError, UsageError
from feilun.interfaces.http import guard
from feilun.interfaces.http.app import create_app
from feilun.serving.access import Access
from feilun.serving.engine import Engine
from feilun.storage import tokens
from feilun.storage.database import Database, open_database
from feilun.workflow import service
from tiny_bundle import made_bundle

PREDICT = "/v1/predict/reviews"


@pytest.fixture
def database(own_home: Path) -> Iterator[Database]:
    opened = open_database()
    yield opened
    opened.close()


def secret(database: Database, name: str, *scopes: str) -> str:
    with database.write() as connection:
        return tokens.create(connection, name, scopes)


@pytest.fixture
def client(database: Database, tmp_path: Path) -> Iterator[TestClient]:
    secret(database, "there", "predict")
    engine = Engine({"reviews": open_bundle(made_bundle(tmp_path / "b"), threads=1)})
    with TestClient(create_app(engine, None, service.access_to("0.0.0.0", database))) as client:  # noqa: S104
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_anonymous_is_refused_on_every_route(client: TestClient) -> None:
    paths = client.app.openapi()["paths"]  # type: ignore[attr-defined]
    asked = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    asked |= {(m, r.path) for r in client.app.routes if isinstance(r, Route) for m in r.methods or ()}  # type: ignore[attr-defined]
    assert {("POST", "/v1/predict/{name}"), ("POST", "/v1/feedback"), ("GET", "/docs"), ("GET", "/metrics")} <= asked
    assert {("POST", "/v1/chat/completions"), ("POST", "/v1/embeddings")} <= asked
    for method, path in [*sorted(asked), ("GET", "/nothing"), ("GET", "/static-offline-docs/swagger-ui.css")]:
        status = client.request(method, path.replace("{name}", "reviews")).status_code
        assert status == 200 if path in {"/healthz", "/readyz"} else status == 401, (method, path)


@pytest.mark.parametrize("path", ["//v1/predict/reviews", "/healthz/", "/readyz/../metrics", "/healthz%2f", "/METRICS"])
def test_no_spelling_of_a_path_gets_around_it(client: TestClient, path: str) -> None:
    assert client.get(f"http://testserver{path}", follow_redirects=False).status_code == 401


def test_scopes(client: TestClient, database: Database) -> None:
    predict, feedback, admin = (secret(database, scope, scope) for scope in tokens.SCOPES)
    body, said = {"text": "good"}, {"observation": "x", "thumbs": "up"}
    for token, statuses in ((predict, (200, 403, 403)), (feedback, (403, 404, 403)), (admin, (200, 404, 200))):
        found = (
            client.post(PREDICT, json=body, headers=bearer(token)).status_code,
            client.post("/v1/feedback", json=said, headers=bearer(token)).status_code,
            client.get("/metrics", headers=bearer(token)).status_code,
        )
        assert found == statuses
        for path in ("/v1/chat/completions", "/v1/embeddings"):  # 400: a body that says nothing
            wanted = 403 if statuses[0] == 403 else 400
            assert client.post(path, json={}, headers=bearer(token)).status_code == wanted


def test_revoked_token_is_refused(client: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "KNOWN_SECONDS", 0.0)
    token = secret(database, "shop", "predict")
    assert client.get("/v1/models", headers=bearer(token)).status_code == 200
    with database.write() as connection:
        tokens.revoke(connection, "shop")
    assert client.get("/v1/models", headers=bearer(token)).status_code == 401


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ([], "A token is needed"),
        ([b"Basic YTpi"], "A token is needed"),
        ([b"Bearer "], "A token is needed"),
        ([b"Bearer a", b"Bearer b"], "A token is needed"),
        ([b"Bearer a\r\nX: y"], "line breaks"),
        ([b"Bearer feilun_\xe4\xb8\xad"], "ASCII"),
        ([b"Bearer feilun_unknown"], "unknown or revoked"),
    ],
)
def test_wrong_headers_are_told_apart(headers: list[bytes], says: str) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def main() -> None:
        asked = guard.Guard(None, Access(tokens=list))  # type: ignore[arg-type]
        scope = {"type": "http", "path": "/v1/models", "headers": [(b"authorization", value) for value in headers]}
        await asked(scope, None, send)  # type: ignore[arg-type]

    asyncio.run(main())
    assert sent[0]["status"] == 401
    assert says in sent[1]["body"].decode()


def test_database_that_refuses_is_said(own_home: Path) -> None:
    def read() -> list[tokens.Token]:
        raise StorageError("The database is gone.")

    client = TestClient(create_app(Engine({}), None, Access(read)))
    assert client.get("/v1/models", headers=bearer("x")).status_code == 503


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "127.0.0.1:8080"}, 200),
        ({"host": "localhost"}, 200),
        ({"host": "[::1]:8080"}, 200),
        ({"host": "models.example.org"}, 200),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example"}, 421),
        ({"host": "[::"}, 421),
        ({"host": "localhost", "origin": "http://localhost:3000"}, 200),
        ({"host": "localhost", "origin": "http://evil.example"}, 403),
        ({"host": "localhost", "origin": "null"}, 403),
    ],
)
def test_names_and_pages_of_others_are_refused(headers: dict[str, str], status: int) -> None:
    access = service.access_to("127.0.0.1", None, ["Models.example.org"])
    client = TestClient(create_app(Engine({}), None, access))
    answer = client.get("/healthz", headers=headers)
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_token_is_needed_before_others_are_let_in(database: Database) -> None:
    for host in ("0.0.0.0", "127.0.0.1"):  # noqa: S104
        with pytest.raises(UsageError, match="feilun token create"):
            service.access_to(host, database)
