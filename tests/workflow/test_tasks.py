"""Each task on a tiny base, from its table to a bundle that answers and is judged again."""

from __future__ import annotations

import json
import random
import re
import tomllib
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from feilun.bundles.bundle import open_bundle
from feilun.core.corpus import Corpus
from feilun.core.decisions.similarity import cosines
from feilun.core.errors import DataError, GateNotMet, RecipeError, UsageError
from feilun.core.report import Figure, Report
from feilun.interfaces.cli import main
from feilun.workflow import recipe as recipes
from feilun.workflow.finished.evaluate_file import evaluate_file
from feilun.workflow.prepare import prepare_rows
from feilun.workflow.publish import check_gate
from feilun.workflow.steps import train
from tiny import WORDS, save_tiny_base

pytestmark = pytest.mark.usefixtures("brisk")

TOPICS = {"loan": "credit", "贷款": "credit", "card": "cards", "rate": "interest", "利率": "interest"}
ENTITIES = {"loan": "product", "贷款": "product", "bank": "place", "银行": "place"}
PRICES = {"good": 20.0, "很好": 20.0, "bad": -20.0, "很差": -20.0, "fast": 5.0, "slow": -5.0}

RECIPE = """
task = "{task}"
[data]
train = "{table}"
{data}
[model]
base = "./base"
max_tokens = 16
[training]
learning_rate = 3e-3
epochs = 6
batch_rows = 8
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tasks")
    save_tiny_base(folder / "base")
    source = random.Random(5)
    paths = [folder / f"{task}.jsonl" for task in ("multilabel", "regress", "tag")]
    with ExitStack() as stack:
        sets, numbers, spans = (stack.enter_context(path.open("w", encoding="utf-8")) for path in paths)
        for _ in range(360):
            words = source.choices(WORDS, k=source.randint(2, 13))
            topics = sorted({TOPICS[word] for word in words if word in TOPICS})
            print(json.dumps({"text": " ".join(words), "label": topics}, ensure_ascii=False), file=sets)
            entities = [
                {"start": found.start(), "end": found.end(), "label": ENTITIES[found[0]], "text": found[0]}
                for found in re.finditer("|".join(ENTITIES), " ".join(words))
            ]
            print(json.dumps({"text": " ".join(words), "label": entities}, ensure_ascii=False), file=spans)
            price = 100 + sum(PRICES.get(word, 0) for word in words) / len(words)
            print(json.dumps({"text": " ".join(words), "price": price, "length": len(words)}), file=numbers)
    return folder


def recipe(folder: Path, task: str, data: str = "", *settings: str) -> recipes.Recipe:
    path = folder / f"{task}.toml"
    path.write_text(RECIPE.format(task=task, data=data, table=f"{task}.jsonl"), encoding="utf-8")
    return recipes.load(path, settings)


def test_sets_of_labels_are_learnt_bundled_and_judged_again(place: Path, tmp_path: Path, capsys) -> None:
    bundle = train(recipe(place, "multilabel"), out=tmp_path / "bundle")
    report = bundle.report
    assert report.task == "multilabel"
    assert report.value("micro_f1") > 0.9 > report.baselines["commonest set of labels"]["micro_f1"]
    assert report.cost["changed_share"] <= 1
    assert {"threshold", "label_thresholds"} <= set(json.loads((bundle.path / "calibration.json").read_text()))
    again = evaluate_file(open_bundle(bundle.path), str(place / "multilabel.jsonl"))
    assert again.n == 360
    assert again.value("micro_f1") > 0.9

    capsys.readouterr()
    assert main.run(["predict", str(bundle.path), "loan card bank", "help fee", "--json"]) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert set(first["labels"]) == {"credit", "cards"}
    assert second["labels"] == []
    assert len(first["ranked"]) == 3
    for answer in (first, second):
        assert 0 <= answer["score"] <= 1


def test_numbers_are_learnt_with_intervals_in_their_own_unit(place: Path, tmp_path: Path, capsys) -> None:
    bundle = train(recipe(place, "regress", 'target = ["price", "length"]'), out=tmp_path / "bundle")
    report = bundle.report
    assert report.value("r2") > 0.6 > report.baselines["mean"]["r2"]
    assert set(report.per_label) == {"price", "length"}
    assert evaluate_file(open_bundle(bundle.path), str(place / "regress.jsonl")).value("coverage") > 0.8
    capsys.readouterr()
    assert main.run(["predict", str(bundle.path), "good loan card", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    low, high = answer["interval"]["price"]
    assert low < answer["value"]["price"] < high
    assert 90 < answer["value"]["price"] < 125
    table = tmp_path / "new.csv"
    table.write_text("text\ngood loan\n", encoding="utf-8")
    assert main.run(["predict", str(bundle.path), "--file", str(table), "--out", str(tmp_path / "out.csv")]) == 0
    header = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()[0]
    assert "predicted_value_price,predicted_low_price,predicted_high_price" in header


def test_spans_are_learnt_and_found_at_their_characters_in_texts_of_any_length(
    place: Path, tmp_path: Path, capsys
) -> None:
    bundle = train(recipe(place, "tag", "", "model.head.characters=false"), out=tmp_path / "bundle")
    report = bundle.report
    assert report.value("entity_f1") > 0.95
    assert set(report.per_label) == {"place", "product"}
    assert "mentions of the training rows" in report.baselines
    assert evaluate_file(open_bundle(bundle.path), str(place / "tag.jsonl")).value("entity_f1") > 0.95

    long = "😀 " + "fee help " * 40 + "银行 " + "slow fast " * 30 + "loan"
    (found,) = bundle.predict([long])
    assert [(span.text, span.label) for span in found.spans or ()] == [("银行", "place"), ("loan", "product")]
    capsys.readouterr()
    assert main.run(["predict", str(bundle.path), long, "", "--json"]) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert [long[span["start"] : span["end"]] for span in first["spans"]] == ["银行", "loan"]
    assert second["spans"] == []


def test_no_text_is_cut_where_texts_are_read_in_windows(place: Path) -> None:
    short = ("model.max_tokens=8", "model.too_long=refuse")
    length = prepare_rows(recipe(place, "tag", "", *short), lambda texts, _: np.full(len(texts), 12)).report["length"]
    assert length["tokens"]["maximum"] == 12
    assert "cut_rows" not in length
    with pytest.raises(DataError, match="rows have more than 8 tokens"):
        prepare_rows(recipe(place, "multilabel", "", *short), lambda texts, _: np.full(len(texts), 12))


def test_single_tags_are_smoothed_only_where_tags_are_learned_singly(place: Path) -> None:
    assert recipe(place, "tag", "", "model.head.label_smoothing=0.1", "model.head.transitions=false")
    with pytest.raises(RecipeError, match="label_smoothing smooths single tags"):
        recipe(place, "tag", "", "model.head.label_smoothing=0.1")


def test_pairs_are_read_together_from_the_table_to_the_answers(place: Path, tmp_path: Path, capsys) -> None:
    source = random.Random(8)
    plain = [word for word in WORDS if word not in {"good", "bad"}]
    with (place / "match.jsonl").open("w", encoding="utf-8") as file:
        for _ in range(300):
            one, other = (source.choices(plain, k=source.randint(1, 4)) for _ in "12")
            label = source.choice(["good", "bad"])  # what the second text says, whatever the first one does
            row = {"text": " ".join([*one, source.choice(["good", "bad"])]), "b": " ".join([*other, label])}
            print(json.dumps({**row, "label": label}, ensure_ascii=False), file=file)
    bundle = train(recipe(place, "match", 'pair = "b"'), out=tmp_path / "bundle")
    assert bundle.report.value("accuracy") > 0.9
    assert bundle.manifest["task"] == "match"
    assert evaluate_file(open_bundle(bundle.path), str(place / "match.jsonl")).value("accuracy") > 0.9
    capsys.readouterr()
    assert main.run(["predict", str(bundle.path), "loan bad", "--pair", "fee good", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["label"] == "good"
    texts, pairs = ["fee good", "loan bad", "help bad"], ["loan bad", "fee good", "card rate bad"]
    table = "\n".join(["text,b", *(f"{text},{pair}" for text, pair in zip(texts, pairs, strict=True))])
    (tmp_path / "new.csv").write_text(table, encoding="utf-8")
    assert main.run(["predict", str(bundle.path), "--file", str(tmp_path / "new.csv"), "--json"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    corpus = Corpus(id=["0", "1", "2"], text=texts, pair=pairs)
    assert answers == [prediction.to_json() for prediction in bundle.predict(corpus)]
    with pytest.raises(UsageError, match="compares two texts, and only the first") as refused:
        bundle.predict(texts)
    assert "bundle.predict(bundle.columns.corpus([{'text': '…', 'b': '…'}]))" in str(refused.value)
    rows = [{"text": text, "b": pair} for text, pair in zip(texts, pairs, strict=True)]
    assert answers == [prediction.to_json() for prediction in bundle.predict(bundle.columns.corpus(rows))]
    assert main.run(["predict", str(bundle.path), "loan bad"]) == 2
    assert "compares two texts: 1 texts were given, and 0 with --pair" in capsys.readouterr().err


def test_texts_are_read_apart_into_vectors_that_find_each_other(place: Path, tmp_path: Path, capsys) -> None:
    source = random.Random(8)
    synonyms = [
        ("bank", "银行"),
        ("loan", "贷款"),
        ("good", "很好"),
        ("bad", "很差"),
        ("help", "服务"),
        ("rate", "利率"),
    ]
    with (place / "match.jsonl").open("w", encoding="utf-8") as file:
        for number in range(400):
            chosen, other = (source.sample(synonyms, 3) for _ in "12")
            same = number % 2
            first, second = (
                " ".join(pair[side] for pair in (other if side and not same else chosen)) for side in (0, 1)
            )
            if same or {*chosen} != {*other}:
                print(json.dumps({"text": first, "b": second, "label": same}, ensure_ascii=False), file=file)
    asked = (
        "model.encoder=bi", "model.pair_prefix=fee ", "model.head.hard_negatives=1", "training.epochs=8",
        "data.split.by=random",
    )  # fmt: skip
    bundle = train(recipe(place, "match", 'pair = "b"', *asked), out=tmp_path / "bundle")
    report = bundle.report
    assert report.task == bundle.manifest["task"] == "similarity"
    assert report.value("accuracy") > 0.8 > report.baselines["TF-IDF cosine"]["accuracy"]
    assert report.value("mrr@10") > report.baselines["BM25"]["mrr@10"]
    assert set(report.baselines) == {"TF-IDF cosine", "BM25"}
    again = open_bundle(bundle.path)
    assert evaluate_file(again, str(place / "match.jsonl")).value("accuracy") > 0.8
    texts = Corpus(id=["0", "1"], text=["bank loan rate", "good help bad"], pair=["银行 贷款 利率", "银行 贷款 利率"])
    vectors, passages = again.embed(texts), again.passages.embed(replace(texts, text=texts.pair or ()))
    assert vectors.shape == passages.shape == (2, 32)
    assert not np.allclose(again.embed(replace(texts, text=texts.pair or ())), passages)  # second texts have a prefix
    same, different = again.predict(texts)
    assert (same.label, different.label) == ("1", "0")
    for prediction, expected in zip((same, different), cosines(np.stack([vectors, passages], axis=1)), strict=True):
        assert prediction.similarity == pytest.approx(float(expected), abs=1e-5)
    capsys.readouterr()
    assert main.run(["predict", str(bundle.path), "bank loan rate", "--pair", "银行 贷款 利率", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == {"label", "score", "abstained", "similarity", "ranked"}


def test_pairs_without_labels_are_enough_to_learn_vectors(place: Path, tmp_path: Path) -> None:
    source = random.Random(9)
    with (place / "match.jsonl").open("w", encoding="utf-8") as file:
        for _ in range(200):
            chosen = source.sample(WORDS, 3)
            print(json.dumps({"text": " ".join(chosen), "b": " ".join(chosen[::-1])}, ensure_ascii=False), file=file)
    bundle = train(recipe(place, "match", 'pair = "b"\ntarget = []', "model.encoder=bi"), out=tmp_path / "bundle")
    assert set(bundle.report.metrics) == {"mrr@10", "recall@1", "recall@5", "recall@10"}
    assert bundle.report.value("recall@10") > 0.3
    assert bundle.labels.names == ("different", "same")


SEVERAL = """
task = "multitask"
[data]
train = "multilabel.jsonl"
[tasks.topics]
task = "multilabel"
[tasks.price]
task = "regress"
weight = 0.5
data = { train = "regress.jsonl", target = "price" }
[model]
base = "./base"
max_tokens = 16
[training]
learning_rate = 3e-3
epochs = 6
batch_rows = 8
[gate]
"topics.micro_f1" = 0.5
mean = 0.2
"""


def test_several_tasks_of_several_files_are_learnt_and_answered_at_once(place: Path, tmp_path: Path, capsys) -> None:
    (place / "several.toml").write_text(SEVERAL, encoding="utf-8")
    made = recipes.load(place / "several.toml", ["model.head.temperature=2", "model.head.patience=2"])
    again = recipes.from_table(tomllib.loads(recipes.to_toml(made)))
    assert again == made
    bundle = train(made, out=tmp_path / "bundle")
    report = bundle.report
    assert report.task == bundle.manifest["task"] == "multitask"
    assert report.value("topics.micro_f1") > 0.8
    assert report.value("mean") > report.baselines["the same answer to all"]["mean"]
    assert set(report.baselines) == {"the same answer to all", "TF-IDF + linear model"}
    assert "topics: credit" in report.per_label
    assert bundle.manifest["recipe"]["tasks"]["price"]["data"]["train"] == "regress.jsonl"
    (answer,) = open_bundle(bundle.path).predict(["loan card good"])
    assert answer.answers is not None
    assert set(answer.answers["topics"].labels or ()) == {"credit", "cards"}
    assert 90 < answer.answers["price"].numbers[0].value < 130  # type: ignore[index]
    capsys.readouterr()
    assert main.run(["predict", str(bundle.path), "loan card good", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert set(said) == {"label", "score", "abstained", "tasks"}
    assert set(said["tasks"]["topics"]["labels"]) == {"credit", "cards"}
    (tmp_path / "new.csv").write_text("text\nloan good\n", encoding="utf-8")
    assert main.run(["predict", str(bundle.path), "--file", str(tmp_path / "new.csv")]) == 0
    assert "predicted_label_topics" in capsys.readouterr().out
    told = evaluate_file(bundle, str(place / "multilabel.jsonl"))
    assert told.n == 360
    assert told.value("mean") == told.value("topics.macro_f1") > 0.8
    assert any("lacks the targets of price (price)" in note for note in told.notes)
    rows = [json.loads(line) for line in (place / "multilabel.jsonl").open(encoding="utf-8")]
    with (tmp_path / "both.jsonl").open("w", encoding="utf-8") as file:
        print(*(json.dumps({**row, "price": 100 + i % 3}) for i, row in enumerate(rows)), sep="\n", file=file)
    both = evaluate_file(bundle, str(tmp_path / "both.jsonl"))
    assert both.n == 720
    assert both.value("topics.micro_f1") == told.value("topics.micro_f1")
    values = [answer.answers["price"].numbers[0].value for answer in bundle.predict([row["text"] for row in rows])]  # type: ignore[index]
    assert both.value("price.mae") == pytest.approx(np.abs(np.array(values) - 100 - np.arange(360) % 3).mean())
    with pytest.raises(DataError, match="has the targets of no task"):
        evaluate_file(bundle, str(tmp_path / "new.csv"))
    with pytest.raises(UsageError, match="Leave --target out"):
        evaluate_file(bundle, str(place / "multilabel.jsonl"), target="label")


def test_an_error_of_one_of_several_tasks_is_bounded_from_above(tmp_path: Path) -> None:
    report = Report(n=9, metrics={"price.mae": Figure(3.0), "topics.micro_f1": Figure(0.8)}, task="multitask")
    check_gate(report, {"price.mae": 4.0, "topics.micro_f1": 0.7}, tmp_path)
    with pytest.raises(GateNotMet, match=r"price\.mae is 3\.0000, the gate wants 2"):
        check_gate(report, {"price.mae": 2.0}, tmp_path)


def test_what_several_tasks_cannot_be_is_said_before_anything_is_read(place: Path) -> None:
    def load(text: str) -> recipes.Recipe:
        (place / "several.toml").write_text(text, encoding="utf-8")
        return recipes.load(place / "several.toml")

    with pytest.raises(RecipeError, match="fewer than two tables"):
        load('task = "multitask"\n[data]\ntrain = "a"\n[tasks.one]\ntask = "classify"')
    with pytest.raises(RecipeError, match="tasks are for a multitask recipe"):
        load('task = "classify"\n[data]\ntrain = "a"\n[tasks.one]\ntask = "classify"')
    with pytest.raises(RecipeError, match=r"unknown metric 'topics\.r2'"):
        load(SEVERAL + '"topics.r2" = 1')
    with pytest.raises(RecipeError, match=r"line 9: unknown key 'wight'"):
        load(SEVERAL.replace("weight", "wight"))
    with pytest.raises(RecipeError, match=r"tasks\.price\.data\.clean differs"):
        load(SEVERAL.replace('target = "price"', 'target = "price", clean = { html = false }'))
    with pytest.raises(RecipeError, match=r"tasks\.price\.data\.features names columns, but the tasks read texts"):
        load(SEVERAL.replace('target = "price"', 'target = "price", features = ["length"]'))
    with pytest.raises(RecipeError, match=r"tasks\.price\.data\.target names 0 columns"):
        load(SEVERAL.replace('target = "price"', "target = []"))
    with pytest.raises(RecipeError, match=r"tasks\.topics\.task must be classify"):
        load(SEVERAL.replace('"multilabel"', '"tag"'))


@pytest.mark.parametrize(
    ("task", "data", "said"),
    [
        ("regress", "target = []", "names 0 columns, but the task regress reads one or several"),
        ("regress", 'target = ["price", "price"]', "data.target names 'price' twice"),
        ("classify", 'features = ["a", "b", "a"]', "data.features names 'a' twice"),
        ("match", 'pair = "b"\ntarget = "b"', "data.target and data.pair name the same column 'b'"),
    ],
)
def test_columns_that_cannot_be_are_refused_before_anything_is_read(place: Path, task: str, data: str, said: str):
    with pytest.raises(RecipeError, match=re.escape(said)):
        recipe(place, task, data)


def test_what_belongs_to_another_task_is_refused_before_anything_is_read(place: Path) -> None:
    with pytest.raises(RecipeError, match="names 2 columns, but the task classify reads one"):
        recipe(place, "classify", 'target = ["a", "b"]')
    with pytest.raises(RecipeError, match=r"data\.gather and data\.separator are for several labels"):
        recipe(place, "regress", 'gather = "id"')
    with pytest.raises(RecipeError, match="it would move the spans"):
        recipe(place, "tag", "clean = { html = true }")
    with pytest.raises(RecipeError, match=r"data\.pair is missing"):
        recipe(place, "match")
    with pytest.raises(RecipeError, match="compares two texts, but the task is classify"):
        recipe(place, "classify", "", "model.encoder=bi")
    with pytest.raises(RecipeError, match=r"data\.same and model\.pair_prefix are for a match recipe"):
        recipe(place, "match", 'pair = "b"\nsame = "1"')
    with pytest.raises(RecipeError, match="names 0 columns, but the task match reads one"):
        recipe(place, "match", 'pair = "b"\ntarget = []')
    with pytest.raises(RecipeError, match="unknown key 'focal_gamma'"):
        recipe(place, "match", 'pair = "b"', "model.encoder=bi", "model.head.focal_gamma=1")
    with pytest.raises(RecipeError, match="unknown key 'focal_gamma'"):
        recipes.from_table({"task": "regress", "data": {"train": "a"}, "model": {"head": {"focal_gamma": 1}}})
    with pytest.raises(RecipeError, match="unknown metric 'macro_f1'"):
        recipes.from_table({"task": "regress", "data": {"train": "a"}, "gate": {"macro_f1": 1}})
    with pytest.raises(RecipeError, match="the head follows from the task 'regress'"):
        recipes.from_table({"task": "regress", "data": {"train": "a"}, "model": {"head": {"kind": "classify"}}})
    made = recipes.from_table({"task": "regress", "data": {"train": "a"}})
    assert made.training.early_stopping.metric == "r2"
    assert recipes.from_table(tomllib.loads(recipes.to_toml(made))) == made
