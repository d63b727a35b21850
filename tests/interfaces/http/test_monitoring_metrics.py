"""Prometheus sees drift and accuracy of what is served, and a database that refuses costs no other figure."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from feilun.bundles.bundle import Bundle, open_bundle, write_bundle
from feilun.core.corpus import corpus_of
from feilun.core.files import write_json
from feilun.core.labels import LabelSet
from feilun.core.splits import Splits
from feilun.interfaces.http.app import create_app
from feilun.interfaces.http.monitoring_metrics import MonitoringMetrics
from feilun.monitoring.feedback import FeedbackDesk
from feilun.monitoring.log import ObservationLog
from feilun.serving.engine import Engine
from feilun.storage.database import Database, open_database
from feilun.workflow.profile import with_reference
from tiny_bundle import LABELS, WORDS, made_bundle, made_facts, made_files

VALIDATION = [f"{a} {b}" for a in WORDS for b in WORDS]


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    plain = open_bundle(made_bundle(tmp_path / "plain"), threads=1)
    rows = corpus_of(VALIDATION, [one.label for one in plain.predict(VALIDATION)])
    profile = with_reference(plain.predictor, Splits(rows, rows, rows, LabelSet(LABELS), {}, "x"))

    def write(folder: Path) -> None:
        made_files()(folder)
        write_json(folder / "profile.json", profile)

    write_bundle(tmp_path / "bundle", write, made_facts())
    return open_bundle(tmp_path / "bundle", threads=1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path / 'feilun.db'}", busy_seconds=0.1)
    yield opened
    opened.close()


def lines(page: str, name: str) -> dict[str, float]:
    """Return the figures of a metric by its labels."""
    found = (line.rpartition(" ") for line in page.splitlines() if line.startswith(f"{name}{{"))
    return {key.partition("{")[2].rstrip("}"): float(value) for key, _, value in found}


def test_drift_accuracy_and_feedback_are_shown(bundle: Bundle, database: Database) -> None:
    log = ObservationLog(database)
    with TestClient(create_app(Engine({"reviews": bundle}), FeedbackDesk(log, lambda _: LABELS))) as client:
        answers = client.post("/v1/predict/reviews", json={"texts": ["很差 很差 nowhere"] * 90}).json()["predictions"]
        for answer in answers[:4]:
            body = {"observation": answer["observation"], "thumbs": "up" if answer is answers[0] else "down"}
            assert client.post("/v1/feedback", json=body).status_code == 201
        page = client.get("/metrics").text
        assert client.get("/metrics").text.count("feilun_drifted{") == 1
    assert lines(page, "feilun_drifted") == {'model="reviews"': 1.0}
    p_values = lines(page, "feilun_drift_p_value")
    assert p_values['model="reviews",signal="unknown"'] <= 0.01
    assert 'model="reviews",signal="states"' not in p_values
    assert lines(page, "feilun_accuracy")['by="feedback",model="reviews"'] == 0.25
    assert 0 <= lines(page, "feilun_accuracy")['by="estimate",model="reviews"'] <= 1
    assert lines(page, "feilun_feedback") == {
        'model="reviews",state="labelled"': 1.0, 'model="reviews",state="refused"': 3.0,
        'model="reviews",state="conflicting"': 0.0,
    }  # fmt: skip


def test_nothing_observed_and_a_locked_database_leave_the_other_figures(
    bundle: Bundle, database: Database, tmp_path: Path
) -> None:
    desk = FeedbackDesk(ObservationLog(database), lambda _: LABELS)
    with TestClient(create_app(Engine({"reviews": bundle}), desk)) as client:
        other = sqlite3.connect(tmp_path / "feilun.db", check_same_thread=False)
        other.execute("begin exclusive")
        client.get("/healthz")
        answer = client.get("/metrics")
        other.close()
        assert (answer.status_code, lines(answer.text, "feilun_drifted")) == (200, {})
        assert lines(answer.text, "feilun_requests_total")
    (window, *_) = MonitoringMetrics(Engine({"reviews": bundle}), database).collect()
    assert not window.samples


def test_figures_are_kept_for_a_while(bundle: Bundle, database: Database) -> None:
    watched = MonitoringMetrics(Engine({"reviews": bundle}), database, kept_seconds=1000)
    fresh = MonitoringMetrics(Engine({"reviews": bundle}), database, kept_seconds=0)
    assert not [metric.samples for metric in watched.collect() if metric.samples]
    with ObservationLog(database) as log:
        log.observe(f"reviews@{bundle.version}", VALIDATION[:60], bundle.predict(VALIDATION[:60]), 0.0)
    assert not [metric.samples for metric in watched.collect() if metric.samples]
    assert next(iter(fresh.collect())).samples
