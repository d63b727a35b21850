"""Conversations are remembered with their answers, and feedback finds them by the id that the client was given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from feilun.bundles.bundle import Bundle
from feilun.core.observation import Observation
from feilun.interfaces.http.app import create_app
from feilun.monitoring.feedback import FeedbackDesk
from feilun.monitoring.log import ObservationLog
from feilun.serving.engine import Engine
from feilun.storage import observations
from feilun.storage.database import Database, open_database
from tiny_writer_bundle import writer_bundle

USER = {"role": "user", "content": "loan bank 13812345678"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return writer_bundle(tmp_path_factory.mktemp("observed") / "writer")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(open_database(f"sqlite:///{tmp_path / 'feilun.db'}")) as opened:
        yield opened


@contextmanager
def served(bundle: Bundle, database: Database, share: float = 1.0, waiting: int = 100) -> Iterator[TestClient]:
    desk = FeedbackDesk(ObservationLog(database, share, waiting=waiting), lambda _: ())
    with TestClient(create_app(Engine({"writer": bundle}), desk)) as client:
        yield client


@pytest.fixture
def client(bundle: Bundle, database: Database) -> Iterator[TestClient]:
    with served(bundle, database) as client:
        yield client


def chat(client: TestClient, *messages: dict[str, str], **options: Any) -> dict[str, Any]:
    body = {"model": "writer", "messages": list(messages or [USER]), **options}
    answer: dict[str, Any] = client.post("/v1/chat/completions", json=body).raise_for_status().json()
    return answer


def give(client: TestClient, observation: str, **said: Any) -> tuple[int, dict[str, Any]]:
    answer = client.post("/v1/feedback", json={"observation": observation, **said})
    return answer.status_code, answer.json()


def stored(database: Database) -> list[Observation]:
    with database.read() as connection:
        return observations.latest(connection, "writer")


def test_an_answer_is_remembered_without_personal_data_and_found_by_its_id(
    client: TestClient, database: Database
) -> None:
    done = chat(client)
    assert done["id"] == f"chatcmpl-{done['observation']}"
    said = done["choices"][0]
    status, given = give(client, done["id"], answer="Call us:\n\n- 13912345678", text="or 13912345678")
    assert (status, given["observation"], given["predicted"]) == (201, done["observation"], said["message"]["content"])
    assert [(one["answer"], one["text"]) for one in given["all"]] == [("Call us:\n- [PHONE]", "or [PHONE]")]
    (found,) = stored(database)
    assert (found.id, found.text, found.bundle) == (done["observation"], "loan bank [PHONE]", done["model"])
    assert found.prediction["text"] == said["message"]["content"] != ""
    assert found.prediction["tokens"] == done["usage"]["completion_tokens"]
    assert found.prediction["finish_reason"] == said["finish_reason"]
    assert found.turns == 1
    assert 0 < found.latency < 60
    assert "13" not in json.dumps([found.text, found.prediction["text"], given["all"][0]["answer"]])
    assert 'feilun_predictions_total{abstained="false",model="writer"} 1.0' in client.get("/metrics").text


def test_a_streamed_answer_is_remembered_once_it_is_whole(client: TestClient, database: Database) -> None:
    body = {"model": "writer", "messages": [USER], "stream": True}
    lines = client.post("/v1/chat/completions", json=body).text.splitlines()
    chunks = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    assert {chunk["id"] for chunk in chunks} == {f"chatcmpl-{chunks[-1]['observation']}"}
    assert all("observation" not in chunk for chunk in chunks[:-1])
    status, given = give(client, chunks[0]["id"], thumbs="up")
    assert (status, given["predicted"]) == (201, "".join(c["choices"][0]["delta"].get("content", "") for c in chunks))
    (found,) = stored(database)
    assert found.right_answers == {found.prediction["text"].strip()}


def test_what_was_asked_otherwise_than_validated_is_marked(client: TestClient, database: Database) -> None:
    chat(client, {"role": "system", "content": "slow"}, USER)
    chat(client, temperature=1.5, seed=1)
    chat(client, max_tokens=500, temperature=0)  # what the bundle does by itself
    give(client, "0" * 32, thumbs="up")  # waits until all is written
    turns, drawn, plain = stored(database)
    assert (turns.turns, turns.text) == (2, "system: slow\nuser: loan bank [PHONE]")
    assert "overridden" not in turns.prediction
    assert (drawn.turns, drawn.prediction["overridden"]) == (1, True)
    assert not plain.prediction.keys() & {"turns", "overridden"}


def test_answers_beyond_the_share_or_the_buffer_name_no_observation(bundle: Bundle, database: Database) -> None:
    for settings in ({"share": 0.0}, {"waiting": 0}):
        with served(bundle, database, **settings) as client:  # type: ignore[arg-type]
            done = chat(client)
            assert done["observation"] is None
            assert give(client, done["id"], thumbs="up")[0] == 404
    assert stored(database) == []


def test_a_written_text_is_corrected_by_a_text_alone(client: TestClient) -> None:
    name = client.post("/v1/predict/writer", json={"text": "loan"}).json()["predictions"][0]["observation"]
    for wrong, says in (
        ({"label": "good"}, "does not answer with 'label'. Tell the right answer as 'answer'."),
        ({"answer": " \n"}, "The answer is empty"),
        ({"answer": "x" * 50_001}, "body.answer"),
        ({"answer": ["x"]}, "body.answer"),
        ({"answer": "other words", "thumbs": "up"}, "The feedback contradicts itself"),
    ):
        status, answer = give(client, name, **wrong)
        assert (status, says in answer["error"]["message"]) == (422, True), answer
    assert give(client, name, answer=" 服务 很好 ", thumbs="down")[1]["all"][0]["answer"] == "服务 很好"
    other = give(client, name, answer="服务 很差")[1]
    assert other["conflicting"]
    assert [one["answer"] for one in other["all"]] == ["服务 很好", "服务 很差"]
