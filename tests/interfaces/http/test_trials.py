"""Over HTTP: a shadow is counted and remembered as itself, a canary's answers name it; options are read with care."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from feilun.bundles.bundle import open_bundle
from feilun.bundles.registry import next_version
from feilun.core.errors import UsageError
from feilun.interfaces.cli.serve import trials_of
from feilun.interfaces.http.app import create_app
from feilun.monitoring.feedback import FeedbackDesk
from feilun.monitoring.log import ObservationLog
from feilun.serving.engine import Engine
from feilun.serving.trial import Trial
from feilun.storage import observations
from feilun.storage.database import open_database
from feilun.workflow import service
from tiny_bundle import WORDS, made_bundle


@pytest.fixture
def references(own_home: Path) -> list[str]:
    for seed in range(2):
        made_bundle(next_version("reviews"), seed)
    return ["reviews@1", "reviews@2"]


def test_a_shadow_is_counted_and_remembered_as_itself(references: list[str]) -> None:
    served, tried = (open_bundle(reference, threads=1) for reference in references)
    database = open_database()
    log = ObservationLog(database)
    engine = Engine({"reviews": served}, trials={"reviews": Trial(tried)})
    with TestClient(create_app(engine, FeedbackDesk(log, lambda _: ()))) as client:
        answer = client.post("/v1/predict/reviews", json={"texts": list(WORDS)}).json()
        assert answer["model"] == "reviews@1"
        deadline = time.monotonic() + 10
        while "feilun_shadow_total" not in (page := client.get("/metrics").text):
            assert time.monotonic() < deadline
        log.flush()
        with database.read() as connection:
            kept = observations.latest(connection, "reviews")
    database.close()
    same = sum(a.label == b.label for a, b in zip(served.predict(WORDS), tried.predict(WORDS), strict=True))
    assert f'feilun_shadow_total{{label="same",model="reviews@2"}} {float(same)}' in page
    assert f'feilun_shadow_total{{label="other",model="reviews@2"}} {float(len(WORDS) - same)}' in page
    assert sorted(one.text for one in kept if one.bundle == "reviews@2") == sorted(WORDS)


def test_a_canary_names_itself(references: list[str]) -> None:
    served, tried = (open_bundle(reference, threads=1) for reference in references)
    with TestClient(create_app(Engine({"reviews": served}, trials={"reviews": Trial(tried, 0.5)}))) as client:
        said = {client.post("/v1/predict/reviews", json={"text": word}).json()["model"] for word in WORDS}
        same = [client.post("/v1/predict/reviews", json={"text": word, "key": "4711"}).json() for word in WORDS]
    assert said == {"reviews@1", "reviews@2"}
    assert len({one["model"] for one in same}) == 1


def test_models_named_without_a_version_follow_their_champion(references: list[str], tmp_path: Path) -> None:
    opened = {"reviews": open_bundle("reviews", threads=1)}
    assert service.followed(["reviews"], opened) == ["reviews"]
    assert service.followed(["reviews@2"], opened) == []
    elsewhere = {"reviews": open_bundle(made_bundle(tmp_path / "reviews"), threads=1)}
    assert service.followed(["reviews"], elsewhere) == []


def test_options_of_trials() -> None:
    assert trials_of(["a@1"], ["b=c@2=0.25"]) == {"a@1": 0.0, "b=c@2": 0.25}
    for wrong in ("a@1", "a@1=", "a@1=x", "a@1=0", "a@1=-1", "a@1=nan"):
        with pytest.raises(UsageError, match="names no share"):
            trials_of([], [wrong])


@pytest.mark.parametrize("shares", [{"reviews": 0.1}, {"reviews@2": 1.0}, {"reviews@1": 0.0, "reviews@2": 0.1}])
def test_trials_that_cannot_be(references: list[str], shares: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=r"cannot be tried|Two versions"):
        service.opened_trials(shares, threads=1)
