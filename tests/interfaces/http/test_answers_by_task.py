"""The service answers with what each task has to say, in the shape that its documentation gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from feilun.bundles.bundle import open_bundle, write_bundle
from feilun.interfaces.http.app import create_app
from feilun.interfaces.http.predict import PredictAnswer
from feilun.serving.engine import Engine, by_name
from tiny_bundle import made_facts, made_files

SETS = {"threshold": 0.5, "label_thresholds": [["good", 0.0]]}
NUMBERS = {"centre": [1.0, 2.0, 3.0], "scale": [1.0] * 3, "reach": [0.5] * 3, "coverage": 0.9}


@pytest.mark.parametrize(
    ("task", "decision", "own"),
    [
        ("classify", {}, {"ranked"}),
        ("multilabel", SETS, {"labels", "ranked"}),
        ("regress", NUMBERS, {"value", "interval"}),
        ("regress", {**NUMBERS, "reach": []}, {"value", "interval"}),
    ],
)
def test_answers_have_the_fields_of_their_task(task: str, decision: dict[str, Any], own: set[str], tmp_path: Path):
    write_bundle(tmp_path / "b", made_files(**decision), made_facts(task=task))
    with TestClient(create_app(Engine(by_name([open_bundle(tmp_path / "b")])))) as client:
        answer = client.post("/v1/predict/reviews", json={"texts": ["loan good", ""]}).json()
        assert client.get("/v1/models/reviews").json()["task"] == task
    PredictAnswer.model_validate(answer)
    for prediction in answer["predictions"]:
        assert set(prediction) == {"label", "score", "abstained", "observation"} | own
