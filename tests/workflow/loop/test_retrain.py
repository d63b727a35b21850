"""The loop on a tiny base: serve, take feedback, train again, compare, promote; what it must never do."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars
import pytest

from feilun.bundles.bundle import Bundle, open_bundle
from feilun.bundles.registry import resolve
from feilun.core import places
from feilun.core.errors import BundleError, GateNotMet, UsageError
from feilun.interfaces.cli.main import run
from feilun.monitoring import retrain_policy
from feilun.monitoring.feedback import FeedbackDesk
from feilun.monitoring.log import ObservationLog
from feilun.monitoring.reviewed import held_out
from feilun.storage import audit, observations
from feilun.storage.database import Database, open_database
from feilun.storage.locks import locked
from feilun.training.checkpoint import CHECKPOINT, Progress
from feilun.workflow import recipe as recipes
from feilun.workflow import steps
from feilun.workflow.loop import releases
from feilun.workflow.loop.next_corpus import next_corpus
from feilun.workflow.loop.recipe_of_model import recipe_of
from feilun.workflow.loop.resumption import stopped
from feilun.workflow.loop.retrain import is_due, retrain
from feilun.workflow.screen import Screen
from feilun.workflow.steps import train
from tiny import WORDS, reviews, save_tiny_base

pytestmark = pytest.mark.usefixtures("brisk")

RECIPE = """
name = "made"
task = "classify"
[data]
train = "train.csv"
time = "when"
[data.clean]
deduplicate = "exact"
[data.split]
test = 0.25
[model]
base = "./base"
max_tokens = 16
[training]
learning_rate = 3e-3
epochs = 10
[compression]
quantize = "none"
[evaluation]
resamples = 0
slices = ["length", "channel", "amount"]
[retrain]
labels = 100
held_out = 0.3
margin = 0.05
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was trained before its traffic turned: 很好 and 很差 are words it never saw the meaning of."""
    folder = tmp_path_factory.mktemp("trained")
    save_tiny_base(folder / "base")
    corpus = reviews(300, 1)
    when = [f"2026-01-{i % 28 + 1:02}" for i in range(300)]
    channel, amount = [("app", "web")[i % 2] for i in range(300)], [float(i) for i in range(300)]
    table = {"text": corpus.text, "label": corpus.target, "when": when, "channel": channel, "amount": amount}
    polars.DataFrame(table).write_csv(folder / "train.csv")
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FEILUN_HOME", str(folder / "home"))
        train(folder / "recipe.toml")
    return folder


@pytest.fixture
def recipe(trained: Path, own_home: Path) -> Path:
    """Its recipe; the home of the test holds the model."""
    shutil.copytree(trained / "home", own_home, dirs_exist_ok=True)
    return trained / "recipe.toml"


@pytest.fixture
def database(own_home: Path) -> Iterator[Database]:
    opened = open_database()
    yield opened
    opened.close()


def turned(rows: int, seed: int = 5) -> list[tuple[str, str]]:
    source = random.Random(seed)
    made = []
    for _ in range(rows):
        words = source.choices([w for w in WORDS if w not in {"good", "bad", "很好", "很差"}], k=source.randint(4, 9))
        label, word = source.choice((("good", "很好"), ("bad", "很差")))
        words.insert(source.randrange(len(words) + 1), word)
        made.append((" ".join(words), label))
    return made


def answered(database: Database, rows: list[tuple[str, str]]) -> None:
    """Serve texts and let people name their right labels."""
    bundle = open_bundle("made", threads=1)
    texts = [text for text, _ in rows]
    with ObservationLog(database) as log:
        identities = log.observe(f"made@{bundle.version}", texts, bundle.predict(texts), 0.001)
        desk = FeedbackDesk(log, lambda _: bundle.labels.names)
        for identity, (_, label) in zip(identities, rows, strict=True):
            desk.give(str(identity), label=label)


def test_the_challenger_learns_what_people_said_and_takes_the_place(
    recipe: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not is_due(recipes.load(recipe), database).yes
    answered(database, turned(150))
    assert run(["retrain", str(recipe), "--check", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["due"]
    assert "150 new labels" in said["reasons"][0]

    left = places.retrainings() / "made" / ".rows-killed"
    left.mkdir(parents=True)
    (left / "train.jsonl").write_text("{}", encoding="utf-8")
    result = retrain(recipe_of("made"), database)
    assert (result.outcome, result.champion, result.challenger) == ("promoted", 1, 2), result.reasons
    contest = result.contests[""]
    assert contest.new.challenger > contest.new.champion
    assert set(contest.slices["channel"]) == {"app", "web"}
    assert sum(one.n for one in contest.slices["channel"].values()) == contest.old.n
    assert contest.old.n == open_bundle("made@1").report.n
    assert resolve("made").name == "2"
    assert json.loads(result.report.read_text(encoding="utf-8"))["reasons"] == list(result.reasons)
    assert not list(places.retrainings().rglob("*.jsonl"))  # texts of customers do not stay behind
    with database.read() as connection:
        assert [e.action for e in audit.entries(connection)] == ["promote", "retrain", "promote"]
        assert "很好" not in "".join(entry.details for entry in audit.entries(connection))
    assert not is_due(recipe_of("made"), database).yes  # by name, from what was remembered
    assert run(["retrain", "made", "--if-due", "--json"]) == 0
    assert not json.loads(capsys.readouterr().out)["due"]
    assert run(["models", "rollback", "made"]) == 0
    assert resolve("made").name == "1"


def test_it_looks_every_so_many_hours_trains_when_due_and_goes_on_after_an_error(
    recipe: Path, database: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    def meanwhile(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 1:
            answered(database, turned(150))
        elif len(slept) == 2:
            recipe.rename(recipe.with_name("away.toml"))
        else:
            raise KeyboardInterrupt

    monkeypatch.setattr("feilun.interfaces.cli.retrain.sleep", meanwhile)
    assert run(["retrain", str(recipe), "--every", "0.5", "--json"]) == 130
    recipe.with_name("away.toml").rename(recipe)
    told = capsys.readouterr()
    first, second = (json.loads(line) for line in told.out.splitlines())
    assert not first["due"]
    assert (second["outcome"], resolve("made").name) == ("promoted", "2")
    assert told.err.count("error: ") == 1
    assert slept == [1800] * 3
    assert run(["retrain", "made", "--every", "1", "--check"]) == 2


def test_a_person_decides_where_the_recipe_or_the_call_says_so(recipe: Path, database: Database) -> None:
    answered(database, turned(60))
    result = retrain(recipes.load(recipe, ["training.epochs=1"]), database, review=True)
    assert result.outcome == "waiting"
    assert resolve("made").name == "1"


def test_a_champion_that_was_chosen_meanwhile_stays(
    recipe: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(database, turned(60))
    train_alone = steps.train

    def train_while_somebody_promotes(*settings: Any, **further: Any) -> Bundle:
        trained = train_alone(*settings, **further)
        shutil.copytree(places.registered() / "made" / "1", places.registered() / "made" / "7")
        releases.promote("made@7", database)
        return trained

    monkeypatch.setattr(steps, "train", train_while_somebody_promotes)
    monkeypatch.setattr(retrain_policy, "better", lambda *_: retrain_policy.Verdict(True, ("better",)))
    result = retrain(recipes.load(recipe, ["training.epochs=1"]), database)
    assert (result.outcome, result.challenger) == ("waiting", 2)
    assert result.reasons[-1] == "version 7 became the champion meanwhile, and it was compared with version 1"
    assert resolve("made").name == "7"


def test_a_challenger_that_misses_the_gate_changes_nothing_and_is_noted(recipe: Path, database: Database) -> None:
    answered(database, turned(60))
    strict = recipes.load(recipe, ["training.epochs=1", "gate.accuracy=1.0", "training.learning_rate=1e-6"])
    with pytest.raises(GateNotMet):
        retrain(strict, database)
    assert resolve("made").name == "1"
    with database.read() as connection:
        noted = audit.last(connection, "retrain", model="made")
    assert noted is not None
    assert noted["outcome"] == "gate not met"


def test_the_next_rows_are_the_old_ones_and_what_people_said(recipe: Path, database: Database, tmp_path: Path) -> None:
    rows = turned(80)
    answered(database, rows)
    answered(database, [(rows[0][0], "bad" if rows[0][1] == "good" else "good")])  # somebody disagrees
    bundle = open_bundle("made", threads=1)
    with ObservationLog(database) as log:
        log.observe("made@1", ["bank bank loan"], bundle.predict(["bank bank loan"]), 0.001)  # nobody spoke of it
    with database.read() as connection:
        found = observations.reviewed(connection, "made")
    loaded = recipes.load(recipe)
    made = next_corpus(loaded, found, tmp_path / "rows")
    (rows_made,) = made.tasks.values()
    read = [
        {row["text"]: row["label"] for row in map(json.loads, (tmp_path / "rows" / name).open(encoding="utf-8"))}
        for name in ("train.jsonl", "validation.jsonl", "test.jsonl")
    ]
    assert list(read[2]) == list(rows_made.old.test.text)
    assert rows_made.said.left == {"conflicting": 1}
    assert made.learned + len(rows_made.new) + rows_made.near + 1 == len({text for text, _ in rows})
    known = {*rows_made.old.train.text, *rows_made.old.validation.text}
    learned = [{text: label for text, label in part.items() if text not in known} for part in read[:2]]
    assert all(learned)  # to learn from, and to stop by
    added = {**learned[0], **learned[1]}
    assert added.items() <= dict(rows[1:]).items()
    assert len(added) == made.learned
    assert "bank bank loan" not in added
    assert not set(rows_made.new.text) & {*read[0], *read[1]}
    assert all(held_out(text, 0.3) for text in rows_made.new.text)


class Steps(Screen):
    """Sees the steps of a training, and stops it behind one of them.

    Args:
        last: The step.
    """

    def __init__(self, last: int | None = None) -> None:
        self.last, self.seen = last, list[int]()

    @contextmanager
    def training(self, what: str = "fine-tuning") -> Iterator[Steps]:
        yield self

    def step(self, progress: Progress, total: int, figures: object) -> None:
        self.seen.append(progress.step)
        if progress.step == self.last:
            raise KeyboardInterrupt


def test_what_was_stopped_goes_on_from_its_checkpoint_with_the_rows_it_began_with(
    recipe: Path, database: Database
) -> None:
    loaded = recipes.load(recipe, ["training.epochs=2", "training.checkpoint_seconds=0"])
    answered(database, turned(60))
    with pytest.raises(KeyboardInterrupt):
        retrain(loaded, database, screen=Steps(5))
    answered(database, turned(9, seed=6))
    assert list(places.runs().glob(f"*/{CHECKPOINT}"))
    on = Steps()
    result = retrain(loaded, database, resume=True, screen=on)
    assert on.seen[0] == 5  # the step behind the last checkpoint
    assert result.learned + result.contests[""].new.n + result.left_out["near_held_out"] == len(
        {text for text, _ in turned(60)}
    )
    assert any("9 new labels" in reason for reason in is_due(loaded, database).reasons)
    assert stopped("made", result.champion) is None


def test_a_checkpoint_that_nothing_goes_on_from_is_removed_and_no_other(recipe: Path, database: Database) -> None:
    (own,) = places.runs().iterdir()  # of the training that made the champion
    (own / CHECKPOINT).write_bytes(b"mine")
    loaded = recipes.load(recipe, ["training.epochs=1", "training.checkpoint_seconds=0"])
    answered(database, turned(60))
    with pytest.raises(KeyboardInterrupt):
        retrain(loaded, database, screen=Steps(5))
    (left,) = {file.parent for file in places.runs().glob(f"*/{CHECKPOINT}")} - {own}
    answered(database, turned(9, seed=6))
    retrain(loaded, database)
    assert [file.parent for file in places.runs().glob(f"*/{CHECKPOINT}")] == [own]
    assert not list(left.glob("best-*"))
    assert (left / "run.json").is_file()


def test_two_never_run_at_once_and_nothing_said_is_nothing_learned(recipe: Path, database: Database) -> None:
    loaded = recipes.load(recipe)
    with locked(database, "retraining of made"), pytest.raises(UsageError, match="going on already"):
        retrain(loaded, database)
    with pytest.raises(UsageError, match="Nobody told the right answer"):
        retrain(loaded, database)


def test_what_cannot_be_trained_again_is_named(recipe: Path, database: Database) -> None:
    with pytest.raises(UsageError, match="never trained here"):
        is_due(recipes.load(recipe, ["name=other"]), database)
    with pytest.raises(UsageError, match="made@1 is a classify model, and the recipe's task is multilabel"):
        is_due(recipes.load(recipe, ["task=multilabel"]), database)


def test_a_recipe_that_is_not_known_here_is_asked_for(recipe: Path, own_home: Path) -> None:
    shutil.rmtree(places.runs())
    with pytest.raises(UsageError, match=r"No run in .* made made.*Give its recipe"):
        recipe_of("made")
    kept = places.retrainings() / "made" / "recipe.json"
    kept.parent.mkdir(parents=True)
    kept.write_text('{"data": {"train": "postgresql://user:***@host/db"}}', encoding="utf-8")
    with pytest.raises(UsageError, match="password is never written down"):
        recipe_of("made")
    with pytest.raises(BundleError, match="Did you mean 'made'"):
        recipe_of("mdae")
    with pytest.raises(UsageError, match="is not there"):
        recipe_of("none.toml")
