"""The service over HTTP, in the test's own process."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from feilun.bundles.bundle import Bundle, open_bundle, write_bundle
from feilun.interfaces.http.app import create_app
from feilun.interfaces.http.error_answers import error_answer
from feilun.serving.engine import Engine
from tiny_bundle import LABELS, made_bundle, made_facts, made_files


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return open_bundle(made_bundle(tmp_path_factory.mktemp("服务") / "模型", abstain_below=0.97), threads=1)


@pytest.fixture(scope="module")
def client(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("second")
    write_bundle(folder / "b", made_files(seed=1), made_facts(name="舆情"))
    engine = Engine({"reviews": bundle, "舆情": open_bundle(folder / "b", threads=1)})
    with TestClient(create_app(engine), raise_server_exceptions=False) as client:
        yield client


def test_a_list_is_answered_in_order_as_in_process(client: TestClient, bundle: Bundle) -> None:
    texts = ["good bank", "", "很好 服务", "loan " * 99]
    answer = client.post("/v1/predict/reviews", json={"texts": texts})
    assert answer.status_code == 200
    assert answer.json() == {
        "model": f"reviews@{bundle.version}",
        "predictions": [{**prediction.to_json(), "observation": None} for prediction in bundle.predict(texts)],
    }
    assert {prediction["abstained"] for prediction in answer.json()["predictions"]} == {True, False}


def test_one_text_and_the_number_of_ranked_labels(client: TestClient) -> None:
    one = client.post("/v1/predict/reviews", json={"text": "good", "ranked": 2}).json()
    same = client.post("/v1/predict/reviews", json={"texts": ["good"]}).json()
    assert one["predictions"][0]["label"] == same["predictions"][0]["label"]
    assert [len(answer["predictions"][0]["ranked"]) for answer in (one, same)] == [2, len(LABELS)]


def test_models_are_told_apart_and_chinese_names_work(client: TestClient) -> None:
    first, second = (client.post(f"/v1/predict/{name}", json={"text": "good"}).json() for name in ("reviews", "舆情"))
    assert second["model"].startswith("舆情@")
    assert first["predictions"] != second["predictions"]
    listed = client.get("/v1/models").json()["models"]
    assert [model["name"] for model in listed] == ["reviews", "舆情"]
    assert listed[0]["labels"] == list(LABELS)
    assert listed[1] == client.get("/v1/models/舆情").json()
    assert listed[0]["metrics"] == {"accuracy": 1.0, "macro_f1": 1.0}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{}", "texts"),
        (b'{"text": "a", "texts": ["a"]}', "either"),
        (b'{"txt": "a"}', "body.txt"),
        (b'{"texts": "a"}', "body.texts"),
        (b'{"texts": ["a", 1]}', "body.texts.1"),
        (b'{"texts": ["a", null]}', "body.texts.1"),
        (b'{"text": "a", "ranked": -1}', "body.ranked"),
        (b'["a"]', "JSON object"),
        (b'{"text": "a"', "not JSON"),
        (b"", "body"),
    ],
)
def test_wrong_bodies_are_answered_with_where(client: TestClient, body: bytes, says: str) -> None:
    answer = client.post("/v1/predict/reviews", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert says in answer.json()["error"]["message"]


def test_missing_header_is_named(client: TestClient) -> None:
    answer = client.post("/v1/predict/reviews", content=b'{"text": "a"}', headers={"content-type": "text/plain"})
    assert answer.status_code == 422
    assert "content-type: application/json" in answer.json()["error"]["message"]


def test_unknown_model_is_answered_with_the_nearest(client: TestClient) -> None:
    for answer in (client.post("/v1/predict/review", json={"text": "a"}), client.get("/v1/models/review")):
        assert answer.status_code == 404
        assert "Did you mean 'reviews'?" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("accepted", "said"),
    [("zh-CN,zh;q=0.9,en;q=0.8", "是不是 'reviews'？"), ("en,zh;q=0.5", "Did you"), ("", "Did you")],
)
def test_an_error_is_told_in_the_language_that_a_client_likes_best(
    client: TestClient, accepted: str, said: str
) -> None:
    answer = client.get("/v1/models/review", headers={"accept-language": accepted})
    assert answer.status_code == 404
    assert said in answer.json()["error"]["message"]


def test_other_errors_have_the_same_shape(client: TestClient) -> None:
    assert client.get("/nothing").json()["error"]["message"].startswith("There is nothing at /nothing")
    assert "不存在" in client.get("/nothing", headers={"Accept-Language": "zh-CN"}).json()["error"]["message"]
    wrong_method = client.get("/v1/predict/reviews")
    assert (wrong_method.status_code, wrong_method.headers["allow"]) == (405, "POST")
    assert "answers POST, not GET" in wrong_method.json()["error"]["message"]
    unknown = client.post("/v1/predict/reviews", json={"txt": "a"})
    assert "body.txt: there is no such field" in unknown.json()["error"]["message"]


CHINESE = {"accept-language": "zh-CN,zh;q=0.9"}
PREDICT, FEEDBACK, CHAT = "/v1/predict/reviews", "/v1/feedback", "/v1/chat/completions"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", PREDICT, {"txt": "a"}, 422, "body.txt：没有这个字段"),
        ("POST", PREDICT, {}, 422, "四项只给一项"),
        ("POST", PREDICT, {"texts": "a"}, 422, "body.texts：应为列表"),
        ("POST", PREDICT, {"texts": [1]}, 422, "body.texts.0：应为字符串"),
        ("POST", PREDICT, {"text": "a", "ranked": -1}, 422, "body.ranked：应不小于 0"),
        ("POST", PREDICT, {"text": "a", "ranked": "x"}, 422, "body.ranked：应为整数"),
        ("POST", PREDICT, {"pairs": [["a"]]}, 422, "body.pairs.0：至少要有 2 项，现有 1 项"),
        ("POST", PREDICT, {"text": "a", "key": "k" * 201}, 422, "body.key：最多 200 个字符"),
        ("POST", PREDICT, [], 422, "请求体应为 JSON 对象"),
        ("POST", PREDICT, b"{", 422, "请求体不是 JSON"),
        ("POST", PREDICT, b"\xff", 422, "请求体不是 UTF-8"),
        ("POST", PREDICT, b"[" * 999, 422, "嵌套超过"),
        ("POST", PREDICT, b" " * 4_000_000, 413, "请求体超过"),
        ("POST", FEEDBACK, {"label": "a"}, 422, "body.observation：缺少这一项"),
        ("POST", FEEDBACK, {"observation": "a", "thumbs": "sideways"}, 422, "body.thumbs：应为 'up' 或 'down'"),
        ("POST", FEEDBACK, {"observation": "a"}, 422, "至少给出一项"),
        ("POST", CHAT, {"model": "reviews", "messages": []}, 400, "至少要有 1 项"),
        ("GET", "/nothing", None, 404, "/nothing 不存在"),
        ("GET", PREDICT, None, 405, "只接受 POST，不接受 GET"),
    ],
)
def test_a_wrong_request_is_told_in_chinese_to_who_likes_it_best(
    client: TestClient, method: str, path: str, body: object, status: int, said: str
) -> None:
    given: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
    own = {"content-type": "application/json"}
    english, chinese = (client.request(method, path, headers={**own, **asked}, **given) for asked in ({}, CHINESE))
    assert (english.status_code, chinese.status_code) == (status, status)
    assert said in chinese.json()["error"]["message"]
    assert english.json()["error"]["message"].isascii()
    assert english.json().keys() == chinese.json().keys()


def test_unexpected_error_keeps_its_inside_to_itself(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine({"reviews": bundle})
    with TestClient(create_app(engine), raise_server_exceptions=False) as client:

        async def fail(name: str, texts: list[str]) -> None:
            raise ZeroDivisionError("secret")

        monkeypatch.setattr(engine, "answer", fail)
        answer = client.post("/v1/predict/reviews", json={"text": "a"})
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert set(answer.json()) == {"error"}
        assert 'status="500"' in client.get("/metrics").text


def test_health_and_readiness(bundle: Bundle) -> None:
    app = create_app(Engine({"reviews": bundle}))
    assert not [path for path in app.openapi()["paths"] if path.startswith("/v1/apps")]  # they come with applications
    before = TestClient(app)
    assert before.get("/healthz").json() == {"status": "ok"}
    assert before.get("/readyz").status_code == 503
    with TestClient(app) as client:
        assert client.get("/readyz").json() == {"status": "ready", "models": [f"reviews@{bundle.version}"]}


def test_metrics_count_and_no_visitor_can_add_a_series(bundle: Bundle) -> None:
    with TestClient(create_app(Engine({"reviews": bundle}))) as client:
        answers = client.post("/v1/predict/reviews", json={"texts": ["good", "bad", ""]}).json()["predictions"]
        for i in range(5):
            client.get(f"/random/{i}")
            client.request(f"VERB{i}", "/healthz")
            client.post(f"/v1/predict/unknown{i}", json={"text": "a"})
        page = client.get("/metrics").text
    abstained = sum(answer["abstained"] for answer in answers)
    assert f'feilun_predictions_total{{abstained="true",model="reviews"}} {float(abstained)}' in page
    assert f'feilun_predictions_total{{abstained="false",model="reviews"}} {float(3 - abstained)}' in page
    assert 'feilun_requests_total{method="POST",path="/v1/predict/{name}",status="404"} 5.0' in page
    assert 'feilun_requests_total{method="GET",path="other",status="404"} 5.0' in page
    assert not re.search("random|unknown|VERB", page)


def test_documentation_needs_no_network_and_its_examples_work(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page.text)
    for address in re.findall(r"""(?:src|href)=["'](/[^"']+)""", page.text):
        assert client.get(address).status_code == 200, address
    schema = client.get("/openapi.json").json()
    examples = schema["paths"]["/v1/predict/{name}"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert examples
    for example in examples.values():
        assert client.post("/v1/predict/reviews", json=example["value"]).status_code == 200
    described: dict[str, Any] = schema["components"]["schemas"]
    answer = client.post("/v1/predict/reviews", json={"text": "good"}).json()
    assert set(answer) == set(described["PredictAnswer"]["properties"])
    described_answer = described["Answer"]
    assert set(described_answer["required"]) <= set(answer["predictions"][0]) <= set(described_answer["properties"])


@settings(max_examples=40)
@given(st.lists(st.text(alphabet=st.characters(codec=None)), max_size=4))
def test_any_text_is_answered(client: TestClient, texts: list[str]) -> None:
    body = json.dumps({"texts": texts}).encode()  # escapes lone surrogates
    answer = client.post("/v1/predict/reviews", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200
    assert len(answer.json()["predictions"]) == len(texts)


def test_chinese_path(bundle: Bundle) -> None:
    assert Path(bundle.path).name == "模型"


def test_message_that_utf8_cannot_hold_is_escaped() -> None:
    assert json.loads(error_answer(422, "label \ud800", {}).body) == {"error": {"message": "label \\ud800"}}
