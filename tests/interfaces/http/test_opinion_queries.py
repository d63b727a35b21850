"""What the service says of stored documents: trends, comparisons, incidents, search and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars
import pytest
from fastapi.testclient import TestClient

from apps.public_opinion.made import NOW, made_intake, record, write_lines
from feilun.apps.public_opinion.cause import cause
from feilun.apps.public_opinion.incidents import Alarm, opened_by
from feilun.apps.public_opinion.sources.files import Files
from feilun.interfaces.http.app import create_app
from feilun.interfaces.http.applications.opinion_queries import router
from feilun.interfaces.http.guard import scope_of
from feilun.monitoring.feedback import FeedbackDesk
from feilun.monitoring.log import ObservationLog
from feilun.serving.engine import Engine
from feilun.storage import opinion
from feilun.storage.database import Database, open_database

ROOT = "/v1/apps/public-opinion"
DAY_BEFORE = NOW - 86_400


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    opened = open_database(database_url)
    documents = [record(i, f"青禾汽车召回新车，刹车缺陷 {i}", DAY_BEFORE + i) for i in range(6)]
    profit = record(10, "Northlake Bank posts record profit of 100%", DAY_BEFORE - 10 * 86_400)
    documents += [{**profit, "region": "香港"}]
    documents += [{**record(11, "=cmd() 青禾汽车新车获奖", DAY_BEFORE + 50), "author": "@somebody"}]
    made_intake(opened).take(Files(write_lines(tmp_path / "a.jsonl", documents)))
    with opened.write() as connection:
        bucket = int(DAY_BEFORE // 3600) * 3600
        rows = list(opinion.documents(connection, since=bucket, until=bucket + 3600))
        alarm = Alarm("negative surge", "negative", "", "青禾汽车", bucket, 6, 0.2, 1e-9)
        incident = opened_by(alarm, "青禾汽车", [rows[0].story], cause(connection, rows, bucket))
        opinion.save_incident(connection, incident.id, incident.state, incident.opened, incident.to_json())
    yield opened
    opened.close()


@pytest.fixture
def client(database: Database) -> Iterator[TestClient]:
    app = create_app(Engine({}), FeedbackDesk(ObservationLog(database), lambda _: ()))
    app.include_router(router)
    with TestClient(app) as opened:
        yield opened


def asked(client: TestClient, path: str, **parameters: Any) -> Any:
    answer = client.get(f"{ROOT}/{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_trends_search_and_tables_of_a_region(client: TestClient) -> None:
    found = asked(client, "trends", region="香港")
    assert [(one["entity"], one["documents"], one["share_of_voice"]) for one in found["series"]] == [
        ("Northlake Bank", 1, 1.0)
    ]
    assert asked(client, "trends", region="北京")["series"] == []
    assert [one["region"] for one in asked(client, "search", region="香港")["documents"]] == ["香港"]
    rows = csv.DictReader(io.StringIO(client.get(f"{ROOT}/export", params={"region": "香港"}).text))
    assert [row["region"] for row in rows] == ["香港"]
    asked_for = {"region": "香港", "topic": "", "entity": ""}
    rows = csv.DictReader(io.StringIO(client.get(f"{ROOT}/trends/export", params=asked_for).text))
    assert [row["documents"] for row in rows] == ["1"]


def test_trends_and_comparisons(client: TestClient) -> None:
    found = asked(client, "trends")
    assert [(one["entity"], one["documents"]) for one in found["series"]] == [("青禾汽车", 7), ("Northlake Bank", 1)]
    assert found["documents"] == 8
    assert sum(found["series"][0]["counts"]) == 7
    assert asked(client, "trends", days=2)["documents"] == 7
    for days in (40_000, 1e308):  # no bucket stands for a time from before everything
        series = asked(client, "trends", days=days)["series"]
        assert [(one["documents"], len(one["counts"]) < 300) for one in series] == [(7, True), (1, True)]
    assert all(one["topic"] for one in asked(client, "trends", by="topic")["series"])
    compared = asked(client, "compare", entity=["Northlake Bank", "青禾汽车", "nobody"])
    assert [one["entity"] for one in compared["series"]] == ["Northlake Bank", "青禾汽车"]
    assert compared["unknown"] == ["nobody"]


def test_an_incident_and_its_documents(client: TestClient) -> None:
    (incident,) = asked(client, "incidents", state="open")["incidents"]
    rise, first, *_ = incident["summary"].splitlines()
    assert rise.startswith("2027-01-14 08:00（UTC）起的时段内有 6 篇负面文档，预期 0.2 篇")
    assert first == "[1] 青禾汽车召回新车，刹车缺陷 0（财闻，被报道 6 次）"
    assert asked(client, "incidents", state="closed")["incidents"] == []
    found = asked(client, f"incidents/{incident['id']}/documents", limit=2)
    assert (found["total"], len(found["documents"])) == (6, 2)
    assert found["documents"][0]["entities"] == {"青禾汽车": "negative"}
    answer = client.get(f"{ROOT}/incidents/x/documents")
    assert (answer.status_code, answer.json()["error"]["message"][:30]) == (404, "There is no incident 'x'. Vali")


def test_search_narrows_by_everything_and_takes_signs_as_they_are(client: TestClient) -> None:
    assert len(asked(client, "search")["documents"]) == 8
    assert len(asked(client, "search", entity="青禾汽车", sentiment="negative")["documents"]) == 6
    assert len(asked(client, "search", words="100%")["documents"]) == 1
    assert len(asked(client, "search", words="RECORD Profit")["documents"]) == 1
    assert len(asked(client, "search", words="0%% OR")["documents"]) == 0
    assert len(asked(client, "search", words="0%%")["documents"]) == 1  # signs are no wild cards, they are nothing
    assert asked(client, "search", words="%%")["documents"] == []
    latest = asked(client, "search", limit=1)["documents"]
    assert latest[0]["body"].startswith("=cmd()")


def test_csv_holds_no_formula(client: TestClient) -> None:
    answer = client.get(f"{ROOT}/export", params={"entity": "青禾汽车"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 7
    assert (rows[0]["body"][:6], rows[0]["author"]) == ("'=cmd(", "'@somebody")
    assert "attachment" in answer.headers["content-disposition"]


def test_documents_and_trends_come_as_parquet_with_types(client: TestClient) -> None:
    answer = client.get(f"{ROOT}/export", params={"entity": "青禾汽车", "format": "parquet"})
    documents = polars.read_parquet(io.BytesIO(answer.content))
    assert documents.height == 7
    assert documents["body"][0].startswith("=cmd(")
    assert documents.schema["published"] == polars.Datetime("us", "UTC")
    assert {one["entity"] for row in documents["entities"] for one in row} >= {"青禾汽车"}
    answer = client.get(f"{ROOT}/trends/export", params={"topic": "", "format": "parquet"})
    trends = polars.read_parquet(io.BytesIO(answer.content))
    table = list(csv.DictReader(io.StringIO(client.get(f"{ROOT}/trends/export?topic=").text)))
    assert [int(row["documents"]) for row in table] == trends["documents"].to_list()
    assert trends.filter(entity="")["documents"].sum() == 8
    assert client.get(f"{ROOT}/export?entity=nobody&format=parquet").status_code == 200
    assert client.get(f"{ROOT}/export?format=xlsx").status_code == 422


@pytest.mark.parametrize("path", ["search?limit=0", "search?sentiment=bad", "trends?days=-1", "trends?by=x", "compare"])
def test_a_wrong_question_is_refused(client: TestClient, path: str) -> None:
    assert client.get(f"{ROOT}/{path}").status_code == 422


def test_without_a_database_there_is_nothing_to_ask() -> None:
    app = create_app(Engine({}))
    app.include_router(router)
    with TestClient(app) as client:
        assert "database" in client.get(f"{ROOT}/trends").text


@pytest.mark.parametrize("path", ["trends", "compare", "incidents/x/documents", "search", "export"])
def test_asking_needs_a_token_for_predicting(path: str) -> None:
    assert scope_of(f"{ROOT}/{path}") == "predict"
