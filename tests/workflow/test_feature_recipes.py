"""Models that read columns, from the table to a bundle that answers files and requests, and is judged again."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from feilun.bundles.bundle import Bundle, open_bundle
from feilun.core.errors import BundleError, DataError, RecipeError, UsageError
from feilun.core.observation import Feedback, Observation
from feilun.data.prepare import prepare
from feilun.evaluation.baselines.columns import BOOSTING, LINEAR
from feilun.interfaces.cli import main
from feilun.interfaces.http.app import create_app
from feilun.serving.engine import Engine
from feilun.workflow import recipe as recipes
from feilun.workflow.finished.compress_bundle import Rows, compress_bundle, wanted
from feilun.workflow.finished.evaluate_file import evaluate_file
from feilun.workflow.finished.predict_file import predict_rows
from feilun.workflow.loop.next_corpus import next_corpus
from feilun.workflow.steps import train
from tiny import WORDS, save_tiny_base

pytestmark = pytest.mark.usefixtures("brisk")

RECIPE = """
task = "{task}"
[data]
train = "{table}"
features = ["amount", "channel"]
[model]
base = "./base"
max_tokens = 32
[training]
learning_rate = 3e-3
epochs = 6
batch_rows = 16
[compression]
texts = 200
"""
ALONE = ('data.text=""', "model.base=none", "training.head_learning_rate=0.01", "training.epochs=12")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("columns")
    save_tiny_base(folder / "base")
    source = random.Random(3)
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "amount", "channel", "label", "topics", "price"])
        for _ in range(400):
            words = source.choices(WORDS, k=source.randint(2, 9))
            amount, channel = round(source.gauss(100, 40), 1), source.choice(["web", "branch", "phone"])
            risky = amount > 110 or channel == "phone"
            cells = [" ".join(words), amount if source.random() > 0.1 else "", channel]
            topics = json.dumps((["risk"] if risky else []) + (["loan"] if "loan" in words else []))
            writer.writerow([*cells, "bad" if risky else "good", topics, amount * 2 + (50 if "good" in words else 0)])
    return folder


def recipe(folder: Path, *settings: str, task: str = "classify") -> recipes.Recipe:
    path = folder / f"{task}.toml"
    path.write_text(RECIPE.format(task=task, table="rows.csv"), encoding="utf-8")
    return recipes.load(path, settings)


@pytest.fixture(scope="module")
def beside(place: Path) -> Bundle:
    return train(recipe(place), out=place / "beside")


@pytest.fixture(scope="module")
def client(beside: Bundle) -> Iterator[TestClient]:
    with TestClient(create_app(Engine({"risk": beside}))) as client:
        yield client


def test_features_are_learnt_beside_the_text_bundled_and_judged_again(beside: Bundle, place: Path) -> None:
    assert beside.report.value("accuracy") > 0.75, "the label is in the columns, not in the text"
    assert {LINEAR, BOOSTING} <= set(beside.report.baselines)
    again = evaluate_file(open_bundle(beside.path), str(place / "rows.csv"))
    assert again.value("accuracy") > 0.75
    assert json.loads((beside.path / "features.json").read_text())["columns"][0]["kind"] == "number"


def test_a_file_and_a_request_are_answered_alike(beside: Bundle, place: Path, client: TestClient) -> None:
    frames = list(predict_rows(beside.predictor, str(place / "rows.csv"), beside.columns))
    rows = [{name: frame[name][i] for name in beside.columns.names} for frame, _ in frames for i in range(5)]
    said = client.post("/v1/predict/risk", json={"rows": rows}).json()["predictions"]
    assert [one["score"] for one in said] == pytest.approx([p.score for p in frames[0][1][:5]], abs=1e-4)
    unseen = client.post("/v1/predict/risk", json={"rows": [{"text": "loan", "amount": None, "channel": "fax"}]})
    assert unseen.json()["predictions"][0]["label"] in {"good", "bad"}
    assert unseen.json()["predictions"][0]["observation"] is None


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"text": "loan"}, 'Send "rows"'),
        ({"rows": [{"text": "a", "amount": 1}]}, "Row 0 lacks the column 'channel'"),
        ({"rows": [{"text": "a", "amount": 1, "channel": "web", "chanel": "x"}]}, "does not read"),
        ({"rows": [{"text": "a", "amount": "much", "channel": "web"}]}, "'amount' holds numbers, and 'much'"),
        ({"rows": [{"text": 1, "amount": 1, "channel": "web"}]}, "'text' is a text"),
        ({"rows": [{"text": "a", "amount": [1], "channel": "web"}]}, "body.rows.0"),
    ],
)
def test_wrong_rows_are_answered_with_where(client: TestClient, body: dict[str, Any], says: str) -> None:
    answer = client.post("/v1/predict/risk", json=body)
    assert answer.status_code == 422
    assert says in answer.json()["error"]["message"]


def test_a_table_without_a_column_and_bare_texts_are_refused(beside: Bundle, tmp_path: Path, capsys) -> None:
    (tmp_path / "new.csv").write_text("text,amount\nloan,3\n")
    with pytest.raises(DataError, match="has no column 'channel'"):
        list(predict_rows(beside.predictor, str(tmp_path / "new.csv"), beside.columns))
    with pytest.raises(UsageError, match="lack columns"):
        beside.predict(["loan"])
    assert main.run(["predict", str(beside.path), "loan"]) == 2
    assert "reads the columns text, amount, channel" in capsys.readouterr().err


def test_features_alone_make_a_model(place: Path, tmp_path: Path) -> None:
    bundle = train(recipe(place, *ALONE), out=tmp_path / "alone")
    assert bundle.report.value("accuracy") > 0.8
    assert bundle.columns.names == ("amount", "channel")
    rows = bundle.columns.corpus([{"amount": 200, "channel": "phone"}, {"amount": 20, "channel": "web"}])
    assert [prediction.label for prediction in bundle.predict(rows)] == ["bad", "good"]
    assert (bundle.path / "model.onnx").stat().st_size < 200_000
    with pytest.raises(UsageError, match="it is small as it is"):
        compress_bundle(bundle, Rows(str(place / "rows.csv")), wanted(bundle, {}))
    with TestClient(create_app(Engine({"risk": bundle}))) as client:
        said = client.post("/v1/predict/risk", json={"rows": [{"amount": 200, "channel": "phone"}]})
        assert said.json()["predictions"][0]["label"] == "bad"


def test_verbalised_columns_are_read_as_text_everywhere(place: Path, tmp_path: Path) -> None:
    bundle = train(recipe(place, "data.verbalise=true", "training.epochs=1"), out=tmp_path / "told")
    assert bundle.predictor.features is None
    (frame, predictions), *_ = predict_rows(bundle.predictor, str(place / "rows.csv"), bundle.columns)
    row = {name: frame[name][0] for name in bundle.columns.names}
    with TestClient(create_app(Engine({"risk": bundle}))) as client:
        said = client.post("/v1/predict/risk", json={"rows": [row]}).json()["predictions"]
    assert said[0]["score"] == pytest.approx(predictions[0].score, abs=1e-4)
    assert evaluate_file(bundle, str(place / "rows.csv")).n == 400


@pytest.mark.parametrize(
    ("task", "target", "metric"), [("multilabel", "topics", "macro_f1"), ("regress", "price", "r2")]
)
def test_other_tasks_read_columns_too(place: Path, tmp_path: Path, task: str, target: str, metric: str) -> None:
    bundle = train(recipe(place, f"data.target={target}", *ALONE, task=task), out=tmp_path / "b")
    assert {LINEAR, BOOSTING} <= set(bundle.report.baselines)
    assert bundle.report.value(metric) > (0.4 if task == "regress" else 0.3)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (('data.text=""',), 'set model.base = "none"'),
        (("model.base=none",), "reads no text, but there is one"),
        ((*ALONE, "model.adaptation.kind=lora"), "has no layers to adapt"),
        (("data.features=amount,label",), "name the same column 'label'"),
        (("data.categories=zip",), "data.categories names 'zip'"),
        (("data.features=", "data.verbalise=true"), "none is named"),
        (("compression.form=cascade",), "a static student reads texts alone"),
    ],
)
def test_recipes_that_contradict_themselves_are_refused(place: Path, settings: tuple[str, ...], says: str) -> None:
    with pytest.raises(RecipeError) as error:
        recipe(place, *settings)
    assert says in str(error.value)


def test_no_student_is_made_of_a_model_that_reads_features(beside: Bundle, place: Path) -> None:
    settings = wanted(beside, {"form": "cascade"})
    with pytest.raises(UsageError, match="a student reads texts alone"):
        compress_bundle(beside, Rows(str(place / "rows.csv")), settings)


def test_columns_that_were_written_into_texts_are_learnt_from_cell_by_cell(place: Path, tmp_path: Path) -> None:
    made = recipe(place, "data.verbalise=true")
    cells = {"amount": "100.50", "channel": "web"}
    said = (Feedback("f", "a", 0.0, answer="good"),)
    seen = [
        Observation("a", 0.0, "m@1", "loan fee", {"label": "bad"}, 0.0, said, features=cells),
        Observation("b", 0.0, "m@1", "amount: 7; channel: web. alone", {"label": "bad"}, 0.0, said),
    ]
    corpus = next_corpus(made, seen, tmp_path)
    assert corpus.left_out()["without_columns"] == 1
    assert corpus.learned + len(corpus.tasks[""].new) == 1
    again = prepare(corpus.recipe.data)
    before = prepare(made.data)
    assert list(again.test.text) == list(before.test.text)
    learned = [*again.train.text, *again.validation.text]
    told = "amount: 100.50; channel: web. loan fee"
    assert set(learned) == {*before.train.text, *before.validation.text, *([told] if corpus.learned else [])}
    assert list(corpus.tasks[""].new.text) == ([] if corpus.learned else [told])


def test_tasks_that_read_texts_alone_say_so(place: Path) -> None:
    with pytest.raises(RecipeError, match="a tag model reads texts alone"):
        recipe(place, task="tag")


def test_a_bundle_whose_columns_are_gone_is_refused(beside: Bundle, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(beside.path, copy)
    (copy / "features.json").unlink()
    with pytest.raises(BundleError, match=r"features\.json is missing"):
        open_bundle(copy)
