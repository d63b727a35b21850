"""The application over HTTP: events in, lists out, and what is wrong is said."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from feilun.apps.recommendation.records.context import ContextSettings
from feilun.interfaces.http.applications.recommendation import create_app
from feilun.interfaces.http.guard import scope_of
from feilun.storage.database import open_database

sys.path.insert(0, str(Path(__file__).parents[2] / "apps" / "recommendation"))
from shops import made_shop, trained

ROOT = "/v1/apps/recommendation"


@pytest.fixture
def client(tmp_path):
    database = open_database(f"sqlite:///{tmp_path / 'shop.db'}")
    with TestClient(create_app(made_shop(database)), base_url="http://localhost") as opened:
        yield opened
    database.close()


def test_events_change_the_next_list_and_are_taken_once(client):
    now = trained()[0].now
    body = {"events": [{"id": f"e{i}", "user": "u", "item": f"tea-{i}a", "time": now} for i in (1, 2, 3)]}
    assert client.post(f"{ROOT}/events", json=body).json()["taken"] == 3
    again = client.post(f"{ROOT}/events", json=body)
    assert again.status_code == 201
    assert again.json() == {"taken": 0, "repeated": 3, "unknown": 0, "unissued": 0, "waiting": False}
    answer = client.post(f"{ROOT}/recommend", json={"user": "u", "count": 5, "explain": True}).json()
    assert len(answer["items"]) == 5
    assert answer["remembered"]
    assert answer["items"][0]["reason"]["zh"]
    assert {"tea-1a", "tea-2a", "tea-3a"}.isdisjoint(item["item"] for item in answer["items"])


def test_items_come_and_go_and_users_are_forgotten(client):
    assert client.post(f"{ROOT}/items", json={"items": [{"id": "n1", "title": "Misty oolong"}]}).status_code == 201
    assert client.get(f"{ROOT}/similar", params={"item": "n1", "count": 3}).status_code == 200
    assert client.delete(f"{ROOT}/items/n1").json() == {"withdrawn": "n1"}
    assert client.delete(f"{ROOT}/items/none").status_code == 422
    client.post(f"{ROOT}/events", json={"events": [{"user": "u", "item": "tea-1a"}]})
    assert client.delete(f"{ROOT}/users/u").json() == {"interactions": 1, "rankings": 0}


def test_what_has_a_slash_in_its_name_is_withdrawn_and_forgotten_too(client):
    assert client.post(f"{ROOT}/items", json={"items": [{"id": "tea/9a", "title": "Tea"}]}).status_code == 201
    assert client.delete(f"{ROOT}/items/tea%2F9a").json() == {"withdrawn": "tea/9a"}
    client.post(f"{ROOT}/events", json={"events": [{"user": "wx/用户 1", "item": "tea-1a"}]})
    assert client.delete(f"{ROOT}/users/wx%2F%E7%94%A8%E6%88%B7%201").json() == {"interactions": 1, "rankings": 0}


def test_items_are_found_by_what_is_typed_and_newcomers_are_asked(client):
    found = client.get(f"{ROOT}/search", params={"query": "oolong tea", "count": 5}).json()["items"]
    assert {one["item"].split("-")[0] for one in found} == {"tea"}
    asked = client.get(f"{ROOT}/questions", params={"count": 8}).json()["items"]
    assert len({one["item"] for one in asked}) == 8
    liked = [found[0]["item"], found[1]["item"]]
    body = {"user": "newcomer", "count": 5, "liked": liked}
    items = [one["item"] for one in client.post(f"{ROOT}/recommend", json=body).json()["items"]]
    assert set(liked).isdisjoint(items)
    assert sum(item.startswith("tea") for item in items) >= 3
    unknown = client.post(f"{ROOT}/recommend", json={**body, "liked": ["nothing"]})
    assert unknown.status_code == 422
    assert "nothing" in unknown.json()["error"]["message"]


@pytest.mark.parametrize(
    ("address", "body", "said"),
    [
        ("events", {"events": []}, "events"),
        ("events", {"events": [{"user": "u", "item": "a"}, {"user": "u"}]}, "event 1: 'item'"),
        ("events", {"events": [{"user": "u", "item": "a", "value": "many"}]}, "'value'"),
        ("events", {"events": [{"user": "u", "item": "a", "value": 10**400}]}, "'value'"),
        ("events", {"events": [{"user": "u", "item": "a", "type": ["click"]}]}, "'type'"),
        ("recommend", {"user": "u", "count": 0}, "count"),
        ("recommend", {"count": 3}, "user"),
        ("recommend", {"user": ""}, "'user' must be"),
        ("recommend", {"user": "a\x00b"}, "'user' must be"),
        ("recommend", {"user": "u", "colour": "red"}, "colour"),
        ("recommend", {"user": "u", "context": {"device": "phone"}}, "'device' is not declared"),
        ("recommend", {"user": "u", "context": ["phone"]}, "context"),
        ("items", {"items": [{"title": "no id"}]}, "item 0: 'id'"),
    ],
)
def test_what_is_wrong_is_said(client, address, body, said):
    answer = client.post(f"{ROOT}/{address}", json=body)
    assert answer.status_code == 422
    assert said in answer.json()["error"]["message"]


def test_what_may_be_known_of_a_request_is_told(client, tmp_path):
    assert client.get(f"{ROOT}/context").json() == {"columns": []}
    database = open_database(f"sqlite:///{tmp_path / 'context.db'}")
    shop = made_shop(database, context=ContextSettings(("device",)))
    with TestClient(create_app(shop), base_url="http://localhost") as other:
        assert other.get(f"{ROOT}/context").json() == {"columns": ["device"]}
    database.close()


def test_each_address_asks_for_its_scope():
    assert scope_of(f"{ROOT}/context") == "predict"
    assert scope_of(f"{ROOT}/recommend") == "predict"
    assert scope_of(f"{ROOT}/events") == "feedback"
    assert scope_of(f"{ROOT}/items") == scope_of(f"{ROOT}/users/u") == "admin"


def test_health(client):
    assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200
