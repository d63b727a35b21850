"""Models that compare two texts are asked about pairs, and answer over HTTP as in the process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from feilun.bundles.bundle import Bundle, open_bundle, write_bundle
from feilun.core.corpus import Corpus
from feilun.interfaces.http.app import create_app
from feilun.serving.engine import Engine
from tiny_bundle import made_bundle, made_facts, made_files

PAIRS = [["good bank", "bad bank"], ["很好", "很差"], ["", "loan"], ["loan", ""]]


@pytest.fixture(scope="module")
def match(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    data = {"train": "a.csv", "text": "question", "pair": "other"}
    facts = made_facts(task="match", recipe={"name": "faq", "task": "match", "data": data}, name="faq")
    path = tmp_path_factory.mktemp("match") / "b"
    write_bundle(path, made_files(), facts)
    return open_bundle(path, threads=1)


@pytest.fixture(scope="module")
def client(match: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    single = open_bundle(made_bundle(tmp_path_factory.mktemp("single") / "b"), threads=1)
    with TestClient(create_app(Engine({"faq": match, "reviews": single}))) as client:
        yield client


def test_pairs_are_answered_as_in_process(client: TestClient, match: Bundle) -> None:
    answer = client.post("/v1/predict/faq", json={"pairs": PAIRS})
    corpus = Corpus(id=list("0123"), text=[a for a, _ in PAIRS], pair=[b for _, b in PAIRS])
    expected = [{**prediction.to_json(), "observation": None} for prediction in match.predict(corpus)]
    assert answer.json()["predictions"] == expected
    assert len({prediction["score"] for prediction in expected}) > 1


@pytest.mark.parametrize(
    ("model", "body", "says"),
    [
        ("faq", {"text": "good"}, 'Send "pairs"'),
        ("reviews", {"pairs": PAIRS}, 'Send "texts"'),
        ("faq", {"pairs": [["good"]]}, "body.pairs.0"),
        ("faq", {"pairs": [["a", "b", "c"]]}, "body.pairs.0"),
        ("faq", {"pairs": [["a", 1]]}, "body.pairs.0.1"),
        ("faq", {"pairs": PAIRS, "text": "a"}, "either"),
    ],
)
def test_wrong_pairs_are_answered_with_where(client: TestClient, model: str, body: dict[str, Any], says: str) -> None:
    answer = client.post(f"/v1/predict/{model}", json=body)
    assert answer.status_code == 422
    assert says in answer.json()["error"]["message"]


def test_a_model_asked_for_nothing_answers_nothing(client: TestClient) -> None:
    assert client.post("/v1/predict/faq", json={"pairs": []}).json()["predictions"] == []
