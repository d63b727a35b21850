"""What operators do with public opinion over HTTP: act, correct, look behind numbers; each with its scope."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from made_opinion import BAD, ran, service

from feilun.interfaces.http.guard import scope_of
from feilun.storage import opinion
from feilun.workflow.applications.public_opinion.wiring import Application

ROOT = "/v1/apps/public-opinion"


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    with ran(tmp_path) as made:
        yield made


@pytest.fixture
def client(application: Application) -> Iterator[TestClient]:
    with TestClient(service(application)) as opened:
        yield opened


def test_reading_needs_predict_and_acting_admin() -> None:
    assert {scope_of(f"{ROOT}/{path}") for path in ("scheme", "trends", "incidents", "search")} == {"predict"}
    assert {scope_of(f"{ROOT}/desk/{path}") for path in ("corrections", "incidents/x/close")} == {"admin"}
    assert scope_of(f"{ROOT}/documents") == "feedback"


def test_the_scheme_is_told(client: TestClient) -> None:
    found = client.get(f"{ROOT}/scheme").json()
    assert {"name": "earnings", "title": "业绩"} in found["topics"]
    assert found["entities"] == ["青禾汽车", "Northlake Bank"]


def test_people_act_on_an_incident_and_its_history_says_so(client: TestClient) -> None:
    (incident,) = client.get(f"{ROOT}/incidents").json()["incidents"]
    assert incident["entity"] == "青禾汽车"
    acted = client.post(f"{ROOT}/desk/incidents/{incident['id']}/acknowledge").json()
    assert acted["state"] == "acknowledged"
    assert acted["history"][-1][1:] == ["acknowledge", "testclient"]
    wrong = client.post(f"{ROOT}/desk/incidents/{incident['id']}/forget")
    assert (wrong.status_code, "acknowledge" in wrong.text) == (422, True)
    assert client.post(f"{ROOT}/desk/incidents/none/close").status_code == 404


def test_a_correction_changes_the_document_and_the_numbers_and_keeps_both(
    client: TestClient, application: Application
) -> None:
    wanted = {"entity": "青禾汽车", "sentiment": "negative"}
    before = client.get(f"{ROOT}/search", params=wanted).json()["documents"]
    said = {"document": before[0]["key"], "sentiment": "neutral", "topics": ["product"]}
    assert client.post(f"{ROOT}/desk/corrections", json=said).status_code == 200
    after = client.get(f"{ROOT}/search", params=wanted).json()["documents"]
    assert len(after) == len(before) - 1
    series = {one["entity"]: one for one in client.get(f"{ROOT}/trends").json()["series"]}
    assert series["青禾汽车"]["negative"] == len(after)
    with application.database.read() as connection:
        (kept,) = opinion.corrections(connection)
    assert kept.before["analysis"]["sentiment"] == "negative"
    for wrong in ({}, {"sentiment": "sad"}, {"topics": ["weather"]}):
        refused = client.post(f"{ROOT}/desk/corrections", json={"document": before[1]["key"], **wrong})
        assert refused.status_code == 422


def test_the_documents_of_a_bucket_are_as_many_as_its_number(client: TestClient) -> None:
    found = client.get(f"{ROOT}/trends").json()
    series = next(one for one in found["series"] if one["entity"] == "青禾汽车")
    for bucket, count, negative in zip(series["buckets"], series["counts"], series["negatives"], strict=True):
        wanted = {"entity": "青禾汽车", "since": bucket, "until": bucket + found["seconds"], "limit": 100}
        assert len(client.get(f"{ROOT}/search", params=wanted).json()["documents"]) == count
        bad = client.get(f"{ROOT}/search", params={**wanted, "sentiment": "negative"}).json()["documents"]
        assert len(bad) == negative
    assert max(series["negatives"]) == BAD
