"""From a recipe to a bundle on a tiny base: what every release must keep."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars
import pytest

from feilun.bundles.bundle import Bundle, open_bundle
from feilun.core.errors import GateNotMet, StorageError, UsageError
from feilun.core.remark import said_in
from feilun.evaluation.presentation import plots
from feilun.text.segment import HAN
from feilun.workflow import recipe as recipes
from feilun.workflow.screen import Screen
from feilun.workflow.steps import train
from tiny import reviews, save_tiny_base

pytestmark = pytest.mark.usefixtures("brisk")

RECIPE = """
name = "made"
task = "classify"
[data]
train = "train.csv"
[data.clean]
deduplicate = "exact"
[model]
base = "./base"
max_tokens = 16
[training]
learning_rate = 3e-3
epochs = 3
"""
SLOWLY = ("training.early_stopping.patience=0", "training.checkpoint_seconds=0")
"""What lets a training be stopped while it goes on: each step is kept."""
DRAW = plots.draw


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("数据")
    save_tiny_base(folder / "base")
    corpus = reviews(300, 1)
    channels = [("app", "web")[i % 2] for i in range(300)]
    polars.DataFrame({"text": corpus.text, "label": corpus.target, "channel": channels}).write_csv(folder / "train.csv")
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def written(place: Path) -> Bundle:
    """What the recipe gives, trained once for the tests that look at it."""
    return train(place / "recipe.toml", out=place / "模型")


def test_the_same_recipe_gives_the_same_bundle_hash_and_another_seed_another(
    place: Path, written: Bundle, tmp_path: Path
) -> None:
    again = train(place / "recipe.toml", out=tmp_path / "a").manifest["hash"]
    other = train(recipes.load(place / "recipe.toml", ["training.seed=99"]), out=tmp_path / "b").manifest["hash"]
    assert written.manifest["hash"] == again != other


def test_the_bundle_says_what_was_judged(written: Bundle) -> None:
    again = open_bundle(written.path)
    assert again.report.to_json() == written.report.to_json()
    assert again.report.n == len(open_bundle(written.path).predict(["good"] * again.report.n))
    assert {"majority class", "TF-IDF + logistic regression"} <= set(again.report.baselines)


def test_the_report_is_broken_down_by_any_column_and_speaks_of_the_base(place: Path, tmp_path: Path) -> None:
    base = tmp_path / "russian-base"
    shutil.copytree(place / "base", base)
    (base / "README.md").write_text("---\nlanguage: ru\nlicense: mit\n---\n", encoding="utf-8")
    asked = ['evaluation.slices=["channel", "length"]', "training.epochs=1", f"model.base={base}"]
    report = train(recipes.load(place / "recipe.toml", asked), out=tmp_path / "bundle").report
    assert sum(figures["n"] for figures in report.slices["channel"].values()) == report.n
    assert set(report.slices) == {"channel", "length"}
    assert any("russian-base" in note or "language" in note.lower() for note in report.notes)
    assert all(HAN.search(said_in("zh", note)) for note in report.notes)


def test_texts_out_of_scope_are_judged_by_themselves_when_a_model_is_trained(place: Path, tmp_path: Path) -> None:
    asked = ["model.head.out_of_scope=neutral", "model.head.scope_lost=0.3", "evaluation.resamples=0"]
    made = train(recipes.load(place / "recipe.toml", asked), out=tmp_path / "bundle")
    assert made.report.value("oos_recall") == made.report.per_label["neutral"]["recall"]
    assert 0 <= made.report.value("in_scope_accuracy") <= 1
    assert made.report.decisions["threshold"] == made.decision.abstain_below


def test_a_second_start_has_a_log_of_its_own_and_leaves_plots_but_no_checkpoint(
    place: Path, tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plots, "draw", DRAW)
    for _ in range(2):
        train(place / "recipe.toml", out=tmp_path / "bundle")
    (folder,) = (own_home / "runs").iterdir()
    steps = [json.loads(line)["step"] for line in (folder / "log.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))
    assert not list(folder.rglob("*.safetensors")) + list(folder.rglob("*.onnx"))
    assert list((folder / "plots").glob("*.png"))


def test_costs_choose_a_threshold_that_the_bundle_keeps(place: Path, tmp_path: Path) -> None:
    asked = ["evaluation.cost_error=50", "evaluation.cost_review=1", "training.epochs=1"]
    bundle = train(recipes.load(place / "recipe.toml", asked), out=tmp_path / "bundle")
    threshold = bundle.predictor.decision.abstain_below
    assert threshold > 0
    for prediction in bundle.predict(list(reviews(50, 7).text)):
        assert prediction.abstained == (prediction.score < threshold)


def test_the_same_training_does_not_begin_twice_at_once(place: Path, tmp_path: Path) -> None:
    class Impatient(Screen):
        def say(self, text: str) -> None:
            with pytest.raises(UsageError, match="going on already"):
                train(place / "recipe.toml", out=tmp_path / "second")

    assert train(place / "recipe.toml", out=tmp_path / "first", screen=Impatient()).predict(["good bank"])
    assert not (tmp_path / "second").exists()


def test_a_missed_gate_writes_no_bundle_and_names_every_miss(place: Path, tmp_path: Path) -> None:
    strict = recipes.load(place / "recipe.toml", ["gate.accuracy=1.0", "gate.log_loss=0.0", "training.epochs=1"])
    with pytest.raises(GateNotMet, match=r"accuracy is .* log_loss is") as refused:
        train(strict, out=tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
    assert "report and plots" in str(refused.value)


def test_a_full_disk_while_the_bundle_is_written_leaves_the_former_one(
    place: Path, written: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    from feilun.workflow import steps

    shutil.copytree(written.path, tmp_path / "bundle")
    former = open_bundle(tmp_path / "bundle").manifest["hash"]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    publish = steps.publish

    def publish_on_a_full_disk(*arguments: object) -> object:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
        return publish(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(steps, "publish", publish_on_a_full_disk)
    try:
        with pytest.raises(StorageError, match="disk is full"):
            train(recipes.load(place / "recipe.toml", ["training.seed=5"]), out=tmp_path / "bundle")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert open_bundle(tmp_path / "bundle").manifest["hash"] == former
    assert [path.name for path in tmp_path.iterdir() if "bundle" in path.name] == ["bundle"]


def is_alive(group: int) -> bool:
    """Say whether a group of processes has any left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_signal_to_all_processes_stops_them_with_a_checkpoint_and_none_is_left(place: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "feilun.interfaces.cli.main", "train", str(place / "recipe.toml")]
    command += ["--workers", "2", "--set", "training.epochs=60", "--set", SLOWLY[0], "--set", SLOWLY[1]]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path / "a")], env={**os.environ, "FEILUN_HOME": str(tmp_path / "home")},
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 300
    while not list((tmp_path / "home").rglob("checkpoint.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGTERM)  # as a terminal sends Ctrl-C, and a service manager this
    message = process.communicate(timeout=300)[1]
    assert process.returncode == 130
    assert "--resume" in message
    assert "Traceback" not in message
    deadline = time.monotonic() + 10
    while is_alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(process.pid)


def test_ctrl_c_stops_with_a_checkpoint_and_resume_gives_the_same_bundle(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = ["training.epochs=5", *SLOWLY]
    command = [sys.executable, "-m", "feilun.interfaces.cli.main", "train", str(place / "recipe.toml")]
    command += [word for change in changes for word in ("--set", change)]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path / "a")], env={**os.environ, "FEILUN_HOME": str(tmp_path / "stopped")},
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 300
    while not list((tmp_path / "stopped").rglob("checkpoint.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    message = process.communicate(timeout=300)[1]
    assert process.returncode == 130
    assert "--resume" in message
    assert "Traceback" not in message
    assert not (tmp_path / "a").exists()
    recipe = recipes.load(place / "recipe.toml", changes)
    for home, name in (("stopped", "a"), ("whole", "b")):
        monkeypatch.setenv("FEILUN_HOME", str(tmp_path / home))
        train(recipe, out=tmp_path / name, resume=name == "a")
    assert open_bundle(tmp_path / "a").manifest["hash"] == open_bundle(tmp_path / "b").manifest["hash"]
