"""Feedback over HTTP: each case has its status and its clear answer."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx import Response
from starlette.testclient import TestClient

from feilun.bundles.bundle import open_bundle
from feilun.bundles.registry import next_version
from feilun.core.files import write_json
from feilun.interfaces.http.app import create_app
from feilun.monitoring.feedback import FeedbackDesk
from feilun.monitoring.log import ObservationLog
from feilun.serving.engine import Engine
from feilun.storage import observations
from feilun.storage.database import Database, open_database
from feilun.workflow.service import labels_of
from tiny_bundle import LABELS, made_bundle


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path / 'feilun.db'}", busy_seconds=0.1)
    yield opened
    opened.close()


@pytest.fixture
def client(database: Database, own_home: Path) -> Iterator[TestClient]:
    folder = made_bundle(next_version("reviews"))
    engine = Engine({"reviews": open_bundle(folder, threads=1)})
    desk = FeedbackDesk(ObservationLog(database), lambda bundle: labels_of(engine, bundle))
    with TestClient(create_app(engine, desk), raise_server_exceptions=False) as client:
        yield client


def answered(client: TestClient, text: str = "good bank") -> dict[str, Any]:
    answer: dict[str, Any] = client.post("/v1/predict/reviews", json={"text": text}).json()["predictions"][0]
    return answer


def give(client: TestClient, key: str | None = None, **body: Any) -> Response:
    return client.post("/v1/feedback", json=body, headers={"Idempotency-Key": key} if key else {})


def message(answer: Response) -> str:
    return str(answer.json()["error"]["message"])


def test_feedback_on_an_answer_just_given(client: TestClient, database: Database) -> None:
    prediction = answered(client)
    other = next(label for label in LABELS if label != prediction["label"])
    answer = give(client, observation=prediction["observation"], label=other, text="致电 13812345678")
    assert answer.status_code == 201
    body = answer.json()
    said = [{"id": body["feedback"], "label": other, "thumbs": None, "text": "致电 [PHONE]"}]
    assert body == {
        "feedback": body["feedback"], "observation": prediction["observation"], "model": "reviews@1",
        "predicted": prediction["label"], "repeated": False, "conflicting": False, "all": said,
    }  # fmt: skip
    with database.read() as connection:
        found = observations.find(connection, prediction["observation"])
    assert found is not None
    assert found.known_answer == other
    assert 0 < found.latency < 10


def test_the_same_twice_and_conflicting_feedback(client: TestClient) -> None:
    prediction = answered(client)
    about = prediction["observation"]
    first, again = (give(client, "k1", observation=about, thumbs="up") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == {**first.json(), "repeated": True}
    reused = give(client, "k1", observation=about, thumbs="down")
    assert (reused.status_code, "came before with other feedback" in message(reused)) == (409, True)
    against = give(client, "k2", observation=about, thumbs="down").json()
    assert against["conflicting"]
    assert [one["thumbs"] for one in against["all"]] == ["up", "down"]


def test_unknown_observation_and_unknown_label(client: TestClient) -> None:
    missing = give(client, observation="0" * 32, thumbs="up")
    assert (missing.status_code, "no observation" in message(missing)) == (404, True)
    unknown = give(client, observation=answered(client)["observation"], label="goood")
    assert (unknown.status_code, "Did you mean 'good'?" in message(unknown)) == (422, True)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"observation": "x"}, "at least one"),
        ({"observation": "x", "text": " "}, "at least one"),
        ({"thumbs": "up"}, "body.observation"),
        ({"observation": "x", "thumbs": "sideways"}, "body.thumbs"),
        ({"observation": "x", "thumbs": "up", "lable": "good"}, "body.lable"),
        ({"observation": "x" * 301, "thumbs": "up"}, "body.observation"),
        ({"observation": "x", "text": "a" * 10_001}, "body.text"),
    ],
)
def test_wrong_bodies_are_answered_with_where(client: TestClient, body: dict[str, Any], says: str) -> None:
    answer = give(client, **body)
    assert (answer.status_code, says in message(answer)) == (422, True)


def test_labels_of_the_answering_and_of_the_served_version_are_known(client: TestClient, own_home: Path) -> None:
    about = answered(client)["observation"]
    write_json(own_home / "models" / "reviews" / "1" / "labels.json", [*LABELS, "only in the version that answered"])
    assert give(client, observation=about, label="only in the version that answered").status_code == 201
    assert give(client, observation=about, label="in none").status_code == 422


def test_a_locked_database_stops_no_answer_and_loses_nothing(
    client: TestClient, database: Database, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "feilun.db") as other:
        other.execute("begin exclusive")
        about = answered(client)["observation"]
        refused = give(client, observation=about, thumbs="up")
        assert (refused.status_code, "locked by another program" in message(refused)) == (503, True)
        assert "feilun_observations_waiting 1.0" in client.get("/metrics").text
    other.close()
    assert give(client, observation=about, thumbs="up").status_code == 201
    assert 'feilun_observations_total{state="written"} 1.0' in client.get("/metrics").text


def test_a_full_disk_is_told_apart(client: TestClient, database: Database) -> None:
    about = answered(client)["observation"]
    give(client, observation=about, thumbs="up")
    with database.engine.connect() as connection:
        pages = connection.exec_driver_sql("pragma page_count").scalar()
        connection.exec_driver_sql(f"pragma max_page_count = {pages}")
        connection.exec_driver_sql("pragma page_size")
    answers = [give(client, observation=about, text="长" * 9000) for _ in range(2)]
    assert {(answer.status_code, "the disk is full" in message(answer)) for answer in answers} == {(507, True)}
    assert client.post("/v1/predict/reviews", json={"text": "good"}).status_code == 200


def test_without_a_log_nothing_is_kept_and_feedback_says_so(own_home: Path, tmp_path: Path) -> None:
    engine = Engine({"reviews": open_bundle(made_bundle(tmp_path / "b"), threads=1)})
    with TestClient(create_app(engine)) as client:
        assert answered(client)["observation"] is None
        answer = give(client, observation="x", thumbs="up")
        assert (answer.status_code, "observes nothing" in message(answer)) == (404, True)


def test_documented_examples_work(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()["paths"]["/v1/feedback"]["post"]
    examples = schema["requestBody"]["content"]["application/json"]["examples"]
    assert set(examples) == {"label", "labels", "relevance", "value", "spans", "answer", "thumbs", "text"}
    for other in ("labels", "relevance", "value", "spans", "answer"):  # of other tasks
        wrong = give(client, **{**examples.pop(other)["value"], "observation": answered(client)["observation"]})
        assert (wrong.status_code, "Tell the right answer as 'label'" in message(wrong)) == (422, True)
    for example in examples.values():
        text = json.dumps(example["value"]).replace("ID", answered(client)["observation"]).replace("negative", "bad")
        answer = client.post("/v1/feedback", content=text, headers={"content-type": "application/json"})
        assert answer.status_code == 201
