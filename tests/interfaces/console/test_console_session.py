"""Signing in: a token once, then a cookie that no script and no other page can use; scopes hold as for a token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from made_service import desk as made_desk

from feilun.apps.customer_service.desk import Desk
from feilun.interfaces.console.console import with_console
from feilun.interfaces.http import guard
from feilun.interfaces.http.app import create_app
from feilun.interfaces.http.applications.customer_service import with_customer_service
from feilun.serving import sessions
from feilun.serving.access import Access
from feilun.serving.engine import Engine
from feilun.serving.sessions import Sessions
from feilun.storage import tokens

BASE = "/v1/apps/customer-service"
OWN = {"Origin": "http://testserver"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = made_desk(f"sqlite:///{tmp_path / 'a.db'}")
    yield opened
    opened.database.close()


@pytest.fixture
def client(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(guard, "KNOWN_SECONDS", 0.0)

    def read() -> list[tokens.Token]:
        with desk.database.read() as connection:
            return tokens.valid(connection)

    app = with_console(with_customer_service(create_app, desk), "customer-service")
    with TestClient(app(Engine({}), None, Access(read))) as opened:
        yield opened


@pytest.fixture
def token(desk: Desk) -> Callable[..., str]:
    def make(name: str, *scopes: str, application: str | None = None) -> str:
        with desk.database.write() as connection:
            return tokens.create(connection, name, scopes, application)

    return make


def sign_in(client: TestClient, secret: str) -> int:
    return client.post("/v1/session", headers={"Authorization": f"Bearer {secret}"}).status_code


def test_pages_ask_for_no_token_and_hold_no_data(client: TestClient) -> None:
    for path in ("/console", "/console/customer-service", "/console/words.json", "/console/elements.js"):
        assert client.get(path).status_code == 200
    for path in ("/console/public-opinion", "/console/public-opinion.html", "/console/..%2fconsole.py", "/console/a/b"):
        assert client.get(path).status_code == 404
    assert client.get("/consoles").status_code == 401
    assert client.get(f"{BASE}/handoffs").status_code == 401


def test_a_page_may_run_its_own_scripts_alone(client: TestClient) -> None:
    headers = client.get("/console/customer-service").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'" in policy
    assert not {"unsafe-inline", "unsafe-eval", "http:", "https:", "data:", "*"} & set(policy.replace("'", "").split())
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["content-type"] == "text/html; charset=utf-8"


def test_a_token_is_asked_for_once_and_kept_where_no_script_reads_it(
    client: TestClient, token: Callable[..., str]
) -> None:
    secret = token("operator", "admin")
    assert sign_in(client, "feilun_wrong") == 401
    assert client.get("/v1/session").status_code == 401
    answer = client.post("/v1/session", headers={"Authorization": f"Bearer {secret}"})
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/v1"} <= set(cookie.split("; "))
    assert secret not in cookie + answer.text
    assert client.get("/v1/session").json() == {"name": "operator", "scopes": ["predict", "feedback", "admin"]}
    assert client.get(f"{BASE}/handoffs").status_code == 200


def test_what_changes_something_must_come_from_a_page_of_the_same_address(
    client: TestClient, token: Callable[..., str]
) -> None:
    sign_in(client, token("operator", "admin"))
    said = {"text": "年费"}
    assert client.post(f"{BASE}/turns", json=said, headers=OWN).status_code == 200
    for other in ({}, {"Origin": "http://testserver:8081"}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
        assert client.post(f"{BASE}/turns", json=said, headers=other).status_code == 401


def test_scopes_and_applications_hold_for_a_session(client: TestClient, token: Callable[..., str]) -> None:
    assert sign_in(client, token("shop", "admin", application="shop")) == 403
    assert sign_in(client, token("customer", "predict")) == 200
    assert client.get("/v1/session").json()["scopes"] == ["predict"]
    said = client.post(f"{BASE}/turns", json={"text": "年费"}, headers=OWN)
    assert client.get(f"{BASE}/turns/{said.json()['conversation']}").status_code == 200
    assert client.get(f"{BASE}/conversations/{said.json()['conversation']}").status_code == 403
    assert client.get(f"{BASE}/handoffs").status_code == 403


def test_a_session_ends_by_signing_out_and_with_its_token(
    client: TestClient, token: Callable[..., str], desk: Desk
) -> None:
    secret = token("operator", "admin")
    sign_in(client, secret)
    stolen = dict(client.cookies)
    assert client.delete("/v1/session", headers=OWN).status_code == 200
    client.cookies.update(stolen)
    assert client.get("/v1/session").status_code == 401
    sign_in(client, secret)
    with desk.database.write() as connection:
        tokens.revoke(connection, "operator")
    assert client.get("/v1/session").status_code == 401


def test_without_tokens_nobody_has_to_sign_in(desk: Desk) -> None:
    app = with_console(with_customer_service(create_app, desk), "customer-service")
    with TestClient(app(Engine({}), None, Access(hosts=frozenset())), base_url="http://localhost") as client:
        assert client.get("/v1/session").json() == {"name": None, "scopes": ["predict", "feedback", "admin"]}
        assert client.get("/console", headers={"Host": "evil.example"}).status_code == 421
        assert client.get("/console", headers={"Origin": "http://evil.example"}).status_code == 403


def test_a_service_without_pages_has_no_session(desk: Desk) -> None:
    app = with_customer_service(create_app, desk)
    with TestClient(app(Engine({}), None, Access(lambda: []))) as client:
        assert client.get("/console").status_code == 401
        assert client.get("/v1/session").status_code == 401


def test_sessions_end_when_they_are_idle_or_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    held = Sessions(lambda: now[0])
    used, idle = held.open("a"), held.open("b")
    now[0] = sessions.IDLE_SECONDS
    assert held.secret_of(used) == "a"
    now[0] += 1
    assert (held.secret_of(used), held.secret_of(idle)) == ("a", None)
    monkeypatch.setattr(sessions, "MOST", 2)
    names = [held.open(str(number)) for number in range(3)]
    assert [held.secret_of(name) for name in (used, *names)] == [None, None, "1", "2"]


def test_a_customer_hears_what_a_person_writes_and_reads_no_trace(
    client: TestClient, token: Callable[..., str]
) -> None:
    sign_in(client, token("operator", "admin"))
    handed = client.post(f"{BASE}/turns", json={"text": "转人工"}, headers=OWN).json()["conversation"]
    client.post(f"{BASE}/handoffs/{handed}/take", headers=OWN)
    client.post(f"{BASE}/handoffs/{handed}/turns", json={"text": "您好"}, headers=OWN)
    turns = client.get(f"{BASE}/turns/{handed}").json()["turns"]
    assert [(turn["speaker"], turn["text"]) for turn in turns][::2] == [("customer", "转人工"), ("person", "您好")]
    assert not any("trace" in turn or "reply" in turn for turn in turns)
    assert client.get(f"{BASE}/turns/{'0' * 32}").status_code == 404
