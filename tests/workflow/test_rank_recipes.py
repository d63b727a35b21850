"""A rank recipe from its table to a bundle that orders candidates, in files and over HTTP."""

from __future__ import annotations

import csv
import json
import random
from collections import Counter
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from feilun.bundles.bundle import Bundle
from feilun.core.errors import DataError, RecipeError
from feilun.data.prepare import prepare
from feilun.data.settings import CleanSettings, DataSettings
from feilun.interfaces.cli import main
from feilun.interfaces.http.app import create_app
from feilun.serving.engine import Engine
from feilun.workflow import recipe as recipes
from feilun.workflow.judge import rows_to_judge
from feilun.workflow.steps import train
from tiny import WORDS, save_tiny_base

pytestmark = pytest.mark.usefixtures("brisk")

RECIPE = """
task = "rank"
[data]
train = "lists.csv"
text = "query"
pair = "candidate"
target = "grade"
group = "id"
[data.clean]
deduplicate = "none"
[data.split]
leakage = "keep"
[model]
base = "./base"
max_tokens = 24
[training]
learning_rate = 3e-3
epochs = 8
batch_rows = 20
[compression]
texts = 100
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rank")
    save_tiny_base(folder / "base")
    source = random.Random(4)
    with (folder / "lists.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "query", "candidate", "grade"])
        for number in range(90):
            query = " ".join(source.choices(WORDS, k=3))
            for _ in range(5):
                candidate = source.choices([word for word in WORDS if word not in {"good", "很好"}], k=4)
                grade = source.choice([0, 0, 1, 2])
                candidate += [[], ["good"], ["good", "很好"]][grade]
                source.shuffle(candidate)
                writer.writerow([f"q{number}", query, " ".join(candidate), grade])
    (folder / "rank.toml").write_text(RECIPE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def bundle(place: Path) -> Bundle:
    return train(recipes.load(place / "rank.toml"), out=place / "bundle")


def test_candidates_are_ordered_and_words_are_beaten(bundle: Bundle) -> None:
    assert bundle.report.value("ndcg@10") > 0.85
    assert bundle.report.value("ndcg@10") > bundle.report.baselines["BM25"]["ndcg@10"]


def test_a_bundle_is_judged_and_asked_again_by_the_command_line(bundle: Bundle, place: Path, capsys) -> None:
    assert main.run(["evaluate", str(bundle.path), str(place / "lists.csv"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["ndcg@10"] > 0.85
    assert told["mrr@10"] > 0.8
    out = place / "answers.csv"
    assert main.run(["predict", str(bundle.path), "--file", str(place / "lists.csv"), "--out", str(out)]) == 0
    rows = list(csv.DictReader(out.open(encoding="utf-8")))
    means = [
        sum(float(row["predicted_relevance"]) for row in rows if row["grade"] == grade)
        / sum(row["grade"] == grade for row in rows)
        for grade in ("0", "1", "2")
    ]
    assert means[0] < means[1]


def test_pairs_and_rows_are_answered_alike_over_http(bundle: Bundle) -> None:
    rows = [{"query": "loan rate", "candidate": "good bank"}, {"query": "loan rate", "candidate": "slow bank"}]
    with TestClient(create_app(Engine({"faq": bundle}))) as client:
        by_rows = client.post("/v1/predict/faq", json={"rows": rows}).json()["predictions"]
        pairs = [[row["query"], row["candidate"]] for row in rows]
        assert client.post("/v1/predict/faq", json={"pairs": pairs}).json()["predictions"] == by_rows
    assert by_rows[0]["relevance"] > by_rows[1]["relevance"]
    assert set(by_rows[0]) == {"label", "score", "abstained", "relevance", "observation"}


def settings(place: Path, **changes: object) -> DataSettings:
    plain: dict[str, object] = {"text": "query", "pair": "candidate", "target": "grade"}
    return DataSettings(str(place), **{**plain, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("group", ["id", None])
def test_a_query_never_stands_in_two_sets(place: Path, group: str | None) -> None:
    splits = prepare(settings(place / "lists.csv", group=group), task="rank")
    sets = [set(part.group or ()) for part in (splits.train, splits.validation, splits.test)]
    assert all(sets)
    assert not (sets[0] & sets[1] | sets[0] & sets[2] | sets[1] & sets[2])
    assert any("candidates on average" in note for note in splits.report["notes"])


def test_lists_that_share_their_candidates_are_split_all_the_same(tmp_path: Path) -> None:
    answers = [f"the answer number {n} of the knowledge base, for everyone" for n in range(12)]
    questions = ["how do I {} a card", "when will the {} arrive", "who pays for {} abroad", "is {} part of my contract"]
    words = ["lost", "stolen", "broken", "old", "new", "joint", "foreign", "prepaid", "metal", "paper"]
    with (tmp_path / "lists.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["query", "candidate", "grade"])
        for number, (word, question) in enumerate((w, q) for w in words for q in questions):
            writer.writerows([question.format(word), answers[(number + k) % 12], int(k == 0)] for k in range(6))
    settings = DataSettings(train=str(tmp_path / "lists.csv"), text="query", pair="candidate", target="grade")
    splits = prepare(settings, task="rank")
    assert min(len(part) for part in (splits.train, splits.validation, splits.test)) >= 6


def test_fewer_rows_are_whole_lists(place: Path) -> None:
    few = settings(place / "lists.csv", group="id", clean=CleanSettings(deduplicate="none"), most_rows=63)
    splits = prepare(few, task="rank")
    sizes = Counter(query for part in (splits.train, splits.validation, splits.test) for query in part.group or ())
    assert len(sizes) == 12
    assert set(sizes.values()) == {5}
    judged = [rows_to_judge(splits.train, "rank", most) for most in (None, 1000, 23, 3)]
    assert [len(rows) for rows in judged] == [len(splits.train), len(splits.train), 20, 5]


@pytest.mark.parametrize("deduplicate", ["exact", "near"])
def test_a_candidate_stands_in_the_list_of_each_that_asked_the_same(tmp_path: Path, deduplicate: str) -> None:
    with (tmp_path / "visits.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["visit", "query", "candidate", "grade"])
        for visit in range(40):
            query = "how do I pay back" if visit % 2 else f"{WORDS[visit % 16]} number {visit} of another kind"
            rows = [[visit, query, f"{WORDS[k]} {WORDS[k + 4]}", int(k == visit // 2 % 4)] for k in range(4)]
            writer.writerows([*rows, rows[0]])
    clean = CleanSettings(deduplicate=deduplicate)
    splits = prepare(settings(tmp_path / "visits.csv", group="visit", clean=clean), task="rank")
    sizes = Counter(visit for part in (splits.train, splits.validation, splits.test) for visit in part.group or ())
    assert len(sizes) == 40
    assert set(sizes.values()) == {4}  # the second copy within a list is dropped
    assert splits.report["conflicts"]["texts"] == 0
    plain = prepare(settings(tmp_path / "visits.csv", clean=clean), task="rank")  # the query's text names the list
    assert plain.report["conflicts"]["texts"] == 4
    assert plain.report["conflicts"]["listed"][0]["labels"] == {"0": 30, "1": 10}  # and its copies


@pytest.mark.parametrize(
    ("grades", "says"),
    [
        (["1", "high", "0"], "10 relevances .* are no numbers from 0 .*'high'"),
        (["1", "-1", "0"], "row 2: -1"),
        (["1", "1", "1"], "candidates of different relevance"),
    ],
)
def test_lists_that_teach_nothing_are_refused(tmp_path: Path, grades: list[str], says: str) -> None:
    with (tmp_path / "lists.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "query", "candidate", "grade"])
        writer.writerows([["1", "loan", f"text {number}", grade] for number, grade in enumerate(grades * 10)])
    with pytest.raises(DataError, match=says):
        prepare(settings(tmp_path / "lists.csv", group="id"), task="rank")


def test_a_recipe_without_candidates_is_refused(place: Path) -> None:
    (place / "bare.toml").write_text('task = "rank"\n[data]\ntrain = "lists.csv"\n', encoding="utf-8")
    with pytest.raises(RecipeError, match=r"data\.pair is missing: a rank recipe"):
        recipes.load(place / "bare.toml")
