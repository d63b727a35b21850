"""The loop of each task over HTTP: answered, observed, watched, told right, trained again, promoted."""

from __future__ import annotations

import csv
import json
import random
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from feilun.bundles.bundle import Bundle, open_bundle
from feilun.bundles.registry import resolve
from feilun.interfaces.cli.main import run
from feilun.interfaces.http.app import create_app
from feilun.monitoring.feedback import FeedbackDesk
from feilun.monitoring.log import ObservationLog
from feilun.serving.engine import Engine
from feilun.storage.database import Database, open_database
from feilun.workflow import recipe as recipes
from feilun.workflow.labelling.queue import queue, take, write_queue
from feilun.workflow.loop.monitor import Span, watch
from feilun.workflow.loop.retrain import is_due, retrain
from feilun.workflow.service import labels_of
from feilun.workflow.steps import train
from tiny import WORDS, save_tiny_base

pytestmark = pytest.mark.usefixtures("brisk")

TELLING = ("loan", "card", "good", "bad")
"""Words that tell the answer, the first two before what is said turned and the others after; no other text has them."""

RECIPE = """
name = "made"
task = "{task}"
[data]
train = "train.jsonl"
{data}
[data.split]
test = 0.25
[model]
base = "./base"
max_tokens = 16
[training]
learning_rate = 3e-3
epochs = 14
batch_rows = 16
early_stopping.patience = 14
[compression]
quantize = "none"
[evaluation]
resamples = 0
[retrain]
labels = 100
held_out = 0.3
margin = 0.1
"""

Row = dict[str, Any]


@dataclass(frozen=True)
class Story:
    """How the loop of a task is told.

    Args:
        task: It.
        make: Makes so many rows of a training table, before what is said turned or after.
        data: Further lines of the table `[data]`.
        settings: What else of the recipe is set.
        body: Makes the body of a request of rows.
        answer: Makes the right answer of a row, as feedback tells it.
        signals: What is watched besides the text's own figures.
        drifted: What has drifted in what was answered after the turn, among others.
        metric: By what champion and challenger are compared.
    """

    task: str
    make: Callable[[int, int, bool], list[Row]]
    body: Callable[[list[Row]], dict[str, Any]]
    answer: Callable[[Row], dict[str, Any]]
    signals: frozenset[str]
    drifted: frozenset[str]
    metric: str
    data: str = ""
    settings: tuple[str, ...] = ()


def made_text(source: random.Random, telling: tuple[str, ...]) -> str:
    """Make a text that holds some words, in any place."""
    words = source.choices([word for word in WORDS if word not in TELLING], k=source.randint(3, 8))
    for word in telling:
        words.insert(source.randrange(len(words) + 1), word)
    return " ".join(words)


def topics(rows: int, seed: int, turned: bool) -> list[Row]:
    """Texts with topics; after the turn other words tell them."""
    source = random.Random(seed)
    words = {"credit": "good", "cards": "bad"} if turned else {"credit": "loan", "cards": "card"}
    made = []
    for _ in range(rows):
        chosen = [topic for topic in words if source.random() < 0.6]
        made.append({"text": made_text(source, tuple(words[topic] for topic in chosen)), "label": sorted(chosen)})
    return made


def loans(rows: int, seed: int, turned: bool) -> list[Row]:
    """Texts whose label amount and channel tell; after the turn amounts are larger, and a new channel tells."""
    source = random.Random(seed)
    made = []
    for _ in range(rows):
        good = source.random() < 0.5
        row = {"text": made_text(source, ()), "amount": round(source.gauss(900 if turned else 100, 30), 2)}
        channel = ("post" if good else "shop") if turned else source.choice(("app", "web"))
        if not turned:
            row["amount"] += 80 if good else -80
        made.append({**row, "channel": channel, "label": "good" if good else "bad"})
    return made


def asked_rows(rows: list[Row]) -> dict[str, Any]:
    return {"rows": [{name: cell for name, cell in row.items() if name != "label"} for row in rows]}


def columns_alone(rows: list[Row]) -> dict[str, Any]:
    return {"rows": [{"amount": row["amount"], "channel": row["channel"]} for row in rows]}


def pairs(rows: int, seed: int, turned: bool) -> list[Row]:
    """Pairs of texts of which the second answers the first where it holds a word; after the turn another one."""
    source = random.Random(seed)
    telling = "good" if turned else "loan"
    made = []
    for _ in range(rows):
        holds = source.random() < 0.5
        row = {"text": made_text(source, ()), "other": made_text(source, (telling,) * holds)}
        made.append({**row, "label": "yes" if holds else "no"})
    return made


def prices(rows: int, seed: int, turned: bool) -> list[Row]:
    """Texts with a price that a word raises or lowers; after the turn other words do."""
    source = random.Random(seed)
    dear, cheap = ("good", "bad") if turned else ("loan", "card")
    made = []
    for _ in range(rows):
        raised = source.random() < 0.5
        price = 80 if raised else 20
        made.append(
            {"text": made_text(source, (dear if raised else cheap,)), "price": round(source.gauss(price, 2), 2)}
        )
    return made


def mentions(rows: int, seed: int, turned: bool) -> list[Row]:
    """Texts that mention products; after the turn other ones."""
    source = random.Random(seed)
    products = ("good", "bad") if turned else ("loan", "card")
    made = []
    for _ in range(rows):
        text = made_text(source, tuple(product for product in products if source.random() < 0.6))
        found = re.finditer("|".join(products), text)
        spans = [{"start": one.start(), "end": one.end(), "label": "product"} for one in found]
        made.append({"text": text, "label": spans})
    return made


def asked_texts(rows: list[Row]) -> dict[str, Any]:
    return {"texts": [row["text"] for row in rows]}


def lists(rows: int, seed: int, turned: bool) -> list[Row]:
    """Queries with three candidates, of which the one that holds a word is relevant; after the turn another word."""
    source = random.Random(seed)
    telling = "good" if turned else "loan"
    made = []
    for _ in range(rows):
        query, right = made_text(source, ()), source.randrange(3)
        made += [
            {"text": query, "other": made_text(source, (telling,) * (i == right)), "label": int(i == right)}
            for i in range(3)
        ]
    return made


def twins(rows: int, seed: int, turned: bool) -> list[Row]:
    """Pairs of texts that say the same where they hold the same word; after the turn of other words."""
    source = random.Random(seed)
    words = ("good", "bad") if turned else ("loan", "card")
    made = []
    for _ in range(rows):
        one, other = source.choice(words), source.choice(words)
        row = {"text": made_text(source, (one, one)), "other": made_text(source, (other, other))}
        made.append({**row, "label": "same" if one == other else "different"})
    return made


def told_loans(rows: int, seed: int, turned: bool) -> list[Row]:
    """Texts whose label the channel tells; after the turn there are other channels."""
    source = random.Random(seed)
    good, bad = ("good", "bad") if turned else ("loan", "card")
    made = []
    for _ in range(rows):
        right = source.random() < 0.5
        row = {
            "text": made_text(source, ()),
            "amount": f"{source.gauss(100, 30):.2f}",
            "channel": good if right else bad,
        }
        made.append({**row, "label": "yes" if right else "no"})
    return made


def asked_pairs(rows: list[Row]) -> dict[str, Any]:
    return {"pairs": [[row["text"], row["other"]] for row in rows]}


OF_LABELS = frozenset({"labels", "scores"})
STORIES = {
    "multilabel": Story(
        task="multilabel",
        make=topics,
        body=asked_texts,
        answer=lambda row: {"labels": row["label"]},
        signals=OF_LABELS | {"label_counts"},
        drifted=frozenset({"labels"}),
        metric="micro_f1",
    ),
    "columns": Story(
        task="classify",
        make=loans,
        body=asked_rows,
        answer=lambda row: {"label": row["label"]},
        signals=OF_LABELS | {"characters", "column amount", "column channel"},
        drifted=frozenset({"column amount", "column channel"}),
        metric="accuracy",
        data='features = ["amount", "channel"]',
    ),
    "columns alone": Story(
        task="classify",
        make=loans,
        body=columns_alone,
        answer=lambda row: {"label": row["label"]},
        signals=OF_LABELS | {"column amount", "column channel"},
        drifted=frozenset({"column amount", "column channel"}),
        metric="accuracy",
        data='text = ""\nfeatures = ["amount", "channel"]',
        settings=("model.base=none", "training.head_learning_rate=0.01", "training.epochs=12"),
    ),
    "regress": Story(
        task="regress",
        make=prices,
        body=asked_texts,
        answer=lambda row: {"value": row["price"]},
        signals=frozenset({"value", "characters"}),
        drifted=frozenset({"value"}),
        metric="mae",
        data='target = "price"',
    ),
    "tag": Story(
        task="tag",
        make=mentions,
        body=asked_texts,
        answer=lambda row: {"spans": row["label"]},
        signals=OF_LABELS | {"span_counts"},
        drifted=frozenset({"labels", "span_counts"}),
        metric="entity_f1",
    ),
    "match": Story(
        task="match",
        make=pairs,
        body=asked_pairs,
        answer=lambda row: {"label": row["label"]},
        signals=OF_LABELS | {"characters"},
        drifted=frozenset({"labels"}),
        metric="accuracy",
        data='pair = "other"',
    ),
    "rank": Story(
        task="rank",
        make=lists,
        body=asked_pairs,
        answer=lambda row: {"relevance": row["label"]},
        signals=frozenset({"scores", "relevance", "characters"}),
        drifted=frozenset({"relevance"}),
        metric="ndcg@10",
        data='pair = "other"',
        settings=("training.epochs=6",),
    ),
    "read apart": Story(
        task="match",
        make=twins,
        body=asked_pairs,
        answer=lambda row: {"label": row["label"]},
        signals=OF_LABELS | {"characters"},
        drifted=frozenset({"states"}),
        metric="accuracy",
        data='pair = "other"',
        settings=("model.encoder=bi", "model.head.loss=ranking"),
    ),
    "columns in the text": Story(
        task="classify",
        make=told_loans,
        body=asked_rows,
        answer=lambda row: {"label": row["label"]},
        signals=OF_LABELS | {"characters"},
        drifted=frozenset({"scores"}),
        metric="accuracy",
        data='features = ["channel", "amount"]\nverbalise = true',
    ),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    save_tiny_base(folder / "base")
    return folder / "base"


@pytest.fixture
def database(own_home: Path) -> Iterator[Database]:
    with closing(open_database()) as opened:
        yield opened


@contextmanager
def served(database: Database) -> Iterator[TestClient]:
    """The real service of the champion."""
    engine = Engine({"made": open_bundle("made", threads=1)})
    desk = FeedbackDesk(ObservationLog(database), lambda bundle: labels_of(engine, bundle))
    with TestClient(create_app(engine, desk)) as client:
        yield client


def write(rows: list[Row], path: Path) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def fill_in(bundle: Bundle, database: Database, told: dict[str, dict[str, Any]], path: Path) -> None:
    """Write the label queue as a table and read it back with what is told of some observations."""
    write_queue([one for one in queue(bundle, database, 999) if one.observation.id in told], path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        (answer,) = told[row["observation"]].values()
        row["label"] = answer if isinstance(answer, str) else json.dumps(answer)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    taken = take(bundle, database, path)
    assert (taken.taken, taken.refused) == (len(rows), [])


SLOW = {"columns", "columns in the text", "rank", "read apart", "tag"}
CASES = [pytest.param(story, marks=[pytest.mark.slow] * (name in SLOW), id=name) for name, story in STORIES.items()]


@pytest.mark.parametrize("story", CASES)
def test_the_loop_turns(
    story: Story, base: Path, database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(story.make(240, 1, False), tmp_path / "train.jsonl")
    text = RECIPE.format(task=story.task, data=story.data).replace("./base", str(base))
    (tmp_path / "made.toml").write_text(text, encoding="utf-8")
    recipe = recipes.load(tmp_path / "made.toml", story.settings)
    first = train(recipe)
    with served(database) as client:
        before = story.make(100, 2, False)
        client.post("/v1/predict/made", json=story.body(before)).raise_for_status()
    (alike,) = watch(first, database, [Span(count=len(before))])
    assert alike.drift is not None
    assert not alike.drift.drifted, alike.drift.signals
    assert {signal.name for signal in alike.drift.signals} >= story.signals

    rows = story.make(160, 3, True)
    with served(database) as client:
        answers = client.post("/v1/predict/made", json=story.body(rows)).json()["predictions"]
        told = {answer["observation"]: story.answer(row) for answer, row in zip(answers, rows, strict=True)}
        for observation, answer in list(told.items())[:-10]:
            assert client.post("/v1/feedback", json={"observation": observation, **answer}).status_code == 201
    fill_in(first, database, told, tmp_path / "queue.csv")
    (turned,) = watch(first, database, [Span(count=len(rows))])
    assert turned.drift is not None
    assert {signal.name for signal in turned.drift.signals if signal.drifted} >= story.drifted
    assert turned.observed.labelled == len(rows)
    assert is_due(recipe, database).yes
    assert run(["monitor", "made", "--count", str(len(rows)), "--threads", "1"]) == 0
    page = capsys.readouterr().out
    assert story.metric == "accuracy" or f"{story.metric} by feedback: " in page

    result = retrain(recipe, database)
    new = result.contests[""].new
    assert (result.outcome, new.metric) == ("promoted", story.metric), result.reasons
    assert result.learned + new.n + result.left_out["near_held_out"] <= len(rows)
    assert resolve("made").name == "2"
    with served(database) as client:
        assert client.post("/v1/predict/made", json=story.body(rows[:2])).json()["model"] == "made@2"
