"""The loop of a model that writes: answered and streamed, observed, watched, told the right answers, trained again."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from feilun.bundles.bundle import Bundle, open_bundle
from feilun.core.corpus import Corpus, corpus_of
from feilun.interfaces.cli.main import run
from feilun.interfaces.http.app import create_app
from feilun.monitoring.feedback import FeedbackDesk
from feilun.monitoring.log import ObservationLog
from feilun.serving.engine import Engine
from feilun.storage.database import Database, open_database
from feilun.workflow import recipe as recipes
from feilun.workflow.loop.monitor import Span, watch
from feilun.workflow.loop.retrain import is_due, retrain
from feilun.workflow.service import labels_of
from feilun.workflow.steps import train
from tiny import WORDS
from tiny_writer import save_base, write_table

pytestmark = pytest.mark.usefixtures("brisk")

RECIPE = """
name = "made"
task = "generate"
[data]
train = "asked.jsonl"
target = "answer"
most_rows = 200
[data.split]
test = 0.25
[model]
base = "./base"
max_tokens = 32
[model.head]
template = "help {text} fee"
max_new_tokens = 6
[training]
learning_rate = 6e-3
epochs = 4
batch_rows = 16
[compression]
quantize = "none"
[evaluation]
resamples = 0
rows = 30
slices = ["length"]
[retrain]
labels = 100
held_out = 0.3
margin = 0.1
"""

BEFORE = {"good": "服务 很好", "bad": "服务 很差 利率"}
TURNED = {"fast": "贷款 很好", "slow": "银行 很差 利率"}
"""The words that tell the answer, before what is asked turned and after; no other prompt has them."""


def asked(rows: int, seed: int, telling: dict[str, str]) -> Corpus:
    """Prompts whose answers can be read off one of their words."""
    source = random.Random(seed)
    texts, answers = [], []
    for _ in range(rows):
        words = source.choices([word for word in WORDS if word not in {*BEFORE, *TURNED}], k=source.randint(3, 9))
        word = source.choice(list(telling))
        words.insert(source.randrange(len(words) + 1), word)
        texts.append(" ".join(words))
        answers.append(telling[word])
    return corpus_of(texts, answers)


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


def predicted(client: TestClient, texts: list[str]) -> list[str]:
    """Ask for answers at once; return the names of their observations."""
    answers = client.post("/v1/predict/made", json={"texts": texts}).json()["predictions"]
    return [answer["observation"] for answer in answers]


def chatted(client: TestClient, text: str, *, stream: bool) -> str:
    """Ask as clients of the OpenAI API do; return the id of the answer."""
    body = {"model": "made", "messages": [{"role": "user", "content": text}], "stream": stream}
    answer = client.post("/v1/chat/completions", json=body)
    if not stream:
        return str(answer.json()["id"])
    *_, last, done = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
    assert done == "[DONE]"
    assert json.loads(last)["choices"][0]["finish_reason"] == "stop"
    return str(json.loads(last)["id"])


def fill_in(told: dict[str, str], path: Path) -> None:
    """Write the label queue as a table, and read it back with the right answers of some observations."""
    assert run(["label", "export", "made", "--out", str(path), "--count", "999"]) == 0
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["observation"] in told]
    for row in rows:
        row["label"] = told[row["observation"]]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert run(["label", "import", "made", str(path)]) == 0


def test_the_loop_of_a_model_that_writes_turns(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_base(tmp_path / "base")
    write_table(tmp_path / "asked.jsonl", asked(250, 1, BEFORE))
    (tmp_path / "made.toml").write_text(RECIPE, encoding="utf-8")
    recipe = recipes.load(tmp_path / "made.toml")
    first: Bundle = train(recipe)
    with served(database) as client:
        predicted(client, list(asked(100, 2, BEFORE).text))
    (alike,) = watch(first, database, [Span(count=100)])
    assert alike.drift is not None
    assert not alike.drift.drifted, alike.drift.signals
    assert {signal.name for signal in alike.drift.signals} >= {"answer_tokens", "log_likelihood", "characters"}
    assert alike.estimated is None

    turned = asked(150, 3, TURNED)
    texts, answers = list(turned.text), list(turned.target or ())
    with served(database) as client:
        names = [chatted(client, text, stream=i % 2 == 0) for i, text in enumerate(texts[:20])]
        names += predicted(client, texts[20:])
        for name, answer in list(zip(names, answers, strict=True))[:-10]:
            said = client.post("/v1/feedback", json={"observation": name, "answer": answer})
            assert said.status_code == 201, said.text
    fill_in(dict(zip(names[-10:], answers[-10:], strict=True)), tmp_path / "queue.csv")
    (window,) = watch(first, database, [Span(count=150)])
    assert window.drift is not None
    assert "log_likelihood" in {signal.name for signal in window.drift.signals if signal.drifted}
    assert window.observed.labelled == 150
    assert window.observed.figures["rouge_l"].value < 0.7
    assert is_due(recipe, database).yes
    assert run(["monitor", "made", "--count", "150", "--threads", "1"]) == 0
    page = capsys.readouterr().out
    assert "rouge_l by feedback: " in page
    assert "log_likelihood drifted: mean -" in page

    result = retrain(recipe, database)
    contest = result.contests[""]
    assert (result.outcome, contest.new.metric) == ("promoted", "rouge_l"), result.reasons
    assert (contest.old.n, contest.new.challenger > 0.8 > contest.new.champion) == (30, True)
    assert result.learned + contest.new.n + result.left_out["near_held_out"] <= 150
    with served(database) as client:
        answer = client.post("/v1/predict/made", json={"texts": ["bank fast"]}).json()
        assert (answer["model"], answer["predictions"][0]["text"]) == ("made@2", TURNED["fast"])
