"""The loop of a model of several tasks: people speak of one answer at a time, and no task may lose."""

from __future__ import annotations

import json
import random
from contextlib import closing
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from feilun.bundles.bundle import open_bundle
from feilun.bundles.registry import resolve
from feilun.interfaces.http.app import create_app
from feilun.monitoring.feedback import FeedbackDesk
from feilun.monitoring.log import ObservationLog
from feilun.serving.engine import Engine
from feilun.storage.database import open_database
from feilun.workflow import recipe as recipes
from feilun.workflow.labelling.queue import queue, take, write_queue
from feilun.workflow.loop.monitor import Span, watch
from feilun.workflow.loop.retrain import is_due, retrain
from feilun.workflow.service import labels_of
from feilun.workflow.steps import train
from tiny import WORDS, save_tiny_base

TELLING = ("loan", "card", "good", "bad")
RECIPE = """
name = "made"
task = "multitask"
[data]
train = "train.jsonl"
[data.split]
test = 0.25
[tasks.mood]
task = "classify"
data = { target = "mood" }
[tasks.topics]
task = "multilabel"
data = { target = "topics" }
[model]
base = "./base"
max_tokens = 16
[training]
learning_rate = 3e-3
epochs = 10
batch_rows = 16
[compression]
quantize = "none"
[evaluation]
resamples = 0
[retrain]
labels = 100
held_out = 0.3
margin = 0.1
"""


def rows(count: int, seed: int, *, turned: bool = False) -> list[dict[str, object]]:
    """Texts whose mood one word tells, after the turn another, and whose topics are words that always tell them."""
    source = random.Random(seed)
    made: list[dict[str, object]] = []
    for _ in range(count):
        words = source.choices([word for word in WORDS if word not in TELLING], k=source.randint(3, 8))
        mood = source.choice(("dark", "light"))
        words.insert(source.randrange(len(words) + 1), TELLING[2 * turned + (mood == "light")])
        topics = [word for word in ("fee", "rate") if word in words]
        made.append({"text": " ".join(words), "mood": mood, "topics": topics})
    return made


@pytest.mark.slow
@pytest.mark.usefixtures("brisk")
def test_the_loop_of_several_tasks_turns(own_home: Path, tmp_path: Path) -> None:
    save_tiny_base(tmp_path / "base")
    lines = (json.dumps(row) + "\n" for row in rows(240, 1))
    (tmp_path / "train.jsonl").write_text("".join(lines), encoding="utf-8")
    (tmp_path / "made.toml").write_text(RECIPE, encoding="utf-8")
    recipe = recipes.load(tmp_path / "made.toml")
    first = train(recipe)
    with closing(open_database()) as database:
        engine = Engine({"made": open_bundle("made", threads=1)})
        desk = FeedbackDesk(ObservationLog(database), lambda bundle: labels_of(engine, bundle))
        with TestClient(create_app(engine, desk)) as client:

            def asked(some: list[dict[str, object]]) -> list[dict[str, dict[str, dict[str, str]]]]:
                answer = client.post("/v1/predict/made", json={"texts": [row["text"] for row in some]})
                return list(answer.raise_for_status().json()["predictions"])

            def told(observation: str, **said: object) -> int:
                return client.post("/v1/feedback", json={"observation": observation, **said}).status_code

            asked(rows(100, 2))
            desk.log.flush()
            (alike,) = watch(first, database, [Span(count=100)])
            assert alike.drift is not None
            assert not alike.drift.drifted, alike.drift.signals
            names = {signal.name for signal in alike.drift.signals}
            assert names >= {"mood.labels", "mood.scores", "topics.labels", "topics.label_counts", "characters"}
            assert {"mood.dark", "topics.fee"} <= set(alike.labels)

            after = rows(160, 3, turned=True)
            answers = asked(after)
            for number, (answer, row) in enumerate(zip(answers, after, strict=True)):
                if number < 150:
                    assert told(answer["tasks"]["mood"]["observation"], label=row["mood"]) == 201
                if number < 60:
                    assert told(answer["tasks"]["topics"]["observation"], labels=row["topics"]) == 201
            one = answers[0]["tasks"]["mood"]["observation"]
            assert told(one, labels=["dark"]) == told(one, label="drak") == told(str(answers[0]["observation"])) == 422
            assert told(str(answers[0]["observation"]), label="dark") == 422  # of which task, is not said
            assert told(f"{answers[0]['observation']}/taste", label="dark") == 404

        (turned,) = watch(first, database, [Span(count=160)])
        assert turned.drift is not None
        assert any(signal.drifted for signal in turned.drift.signals if signal.name.startswith("mood."))
        assert turned.observed.labelled == 210
        assert set(turned.observed.figures) == {"topics.micro_f1"}
        asks = {one.observation.id.partition("/")[2] for one in queue(first, database, 999)}
        assert asks == {"mood", "topics"}
        left = [
            one
            for one in queue(first, database, 999)
            if one.observation.id == answers[155]["tasks"]["mood"]["observation"]
        ]
        write_queue(left, tmp_path / "queue.csv")
        table = (tmp_path / "queue.csv").read_text(encoding="utf-8-sig").splitlines()
        (tmp_path / "queue.csv").write_text("\n".join([table[0], f"{table[1]}{after[155]['mood']}"]), encoding="utf-8")
        assert take(first, database, tmp_path / "queue.csv").taken == 1

        assert is_due(recipe, database).reasons[0].startswith("211 new labels")
        result = retrain(recipe, database)
        assert result.outcome == "promoted", result.reasons
        assert (result.contests["mood"].new.metric, result.contests["topics"].new.metric) == ("accuracy", "micro_f1")
        assert result.contests["mood"].new.challenger > result.contests["mood"].new.champion
        assert any(reason.startswith("topics: on the") for reason in result.reasons)
        assert set(json.loads(result.report.read_text(encoding="utf-8"))["tasks"]) == {"mood", "topics"}
        assert resolve("made").name == "2"
