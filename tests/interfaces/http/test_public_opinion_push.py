"""Pushed documents are on the disk, redacted, once the answer is there; what is no document is refused whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from feilun.interfaces.http.app import create_app
from feilun.interfaces.http.applications.public_opinion import MOST_DOCUMENTS, router
from feilun.interfaces.http.guard import scope_of
from feilun.monitoring.feedback import FeedbackDesk
from feilun.monitoring.log import ObservationLog
from feilun.serving.engine import Engine
from feilun.storage import opinion_inbox
from feilun.storage.database import Database, open_database

PATH = "/v1/apps/public-opinion/documents"
ONE = {"id": "1", "time": "2026-11-24T10:05+08:00", "title": "青禾汽车召回新车", "text": "致电 13812345678 咨询"}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    yield opened
    opened.close()


@pytest.fixture
def client(database: Database) -> Iterator[TestClient]:
    app = create_app(Engine({}), FeedbackDesk(ObservationLog(database), lambda _: ()))
    app.include_router(router)
    with TestClient(app) as opened:
        yield opened


def waiting(database: Database) -> int:
    with database.read() as connection:
        return opinion_inbox.waiting(connection)


def test_documents_wait_on_the_disk_and_hold_no_telephone_number(client: TestClient, database: Database) -> None:
    answer = client.post(PATH, json={"source": "财闻日报", "documents": [ONE, {**ONE, "id": "2"}]})
    assert answer.status_code == 202
    assert answer.json() == {"taken": 2, "waiting": 2}
    assert waiting(database) == 2
    with database.read() as connection:
        kept = str(opinion_inbox.after(connection, 0, 10))
    assert "青禾汽车召回新车" in kept
    assert "13812345678" not in kept


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"documents": []},
        {"documents": ["text"]},
        {"documents": [ONE], "tenant": "b"},
        {"documents": [ONE], "source": ""},
        {"documents": [ONE] * (MOST_DOCUMENTS + 1)},
    ],
)
def test_a_wrong_body_is_refused_whole(client: TestClient, database: Database, body: dict[str, object]) -> None:
    assert client.post(PATH, json=body).status_code == 422
    assert waiting(database) == 0


def test_a_service_without_a_database_says_so(tmp_path: Path) -> None:
    app = create_app(Engine({}))
    app.include_router(router)
    with TestClient(app) as client:
        answer = client.post(PATH, json={"documents": [ONE]})
    assert answer.status_code == 404
    assert "database" in answer.text


def test_pushing_needs_a_token_for_feedback() -> None:
    assert scope_of(PATH) == "feedback"
