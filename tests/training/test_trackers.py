"""What trackers write is read back from their real files, and says what the run's own log says."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from feilun.core.errors import MissingExtra, RecipeError, UsageError
from feilun.training.trackers.run_folder import RunFolder
from feilun.training.trackers.table import TRACKERS, check_trackers, trackers_of
from feilun.workflow import recipe as recipes
from feilun.workflow.steps import train
from labelled_table import labelled_table
from tiny import save_tiny_base

pytestmark = pytest.mark.usefixtures("brisk")

SECRET = "loan card rate bank fee"
BLOCK = 1 << 15


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Read TensorBoard's event files."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    return {tag: [(one.step, one.value) for one in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def records(folder: Path) -> list:
    """Read the records of W&B's transaction log, once its process has written the last one.

    It is LevelDB's log format, of protobuf messages.
    """
    messages = pytest.importorskip("wandb.proto.wandb_internal_pb2")
    (path,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    found: list = []
    end = time.monotonic() + 30
    while not any(record.WhichOneof("record_type") == "exit" for record in found) and time.monotonic() < end:
        time.sleep(0.05)
        found = []
        for content in _logged(path.read_bytes()):
            found.append(messages.Record())
            found[-1].ParseFromString(content)
    return found


def _logged(data: bytes) -> Iterator[bytes]:
    place, content = 7, b""  # behind the file's own header
    while place + 7 <= len(data):
        if BLOCK - place % BLOCK < 7:  # no header fits into the rest of a block
            place += BLOCK - place % BLOCK
            continue
        length, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        content += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in {1, 4}:  # whole, or last part
            yield content
            content = b""


def history(found: list) -> list[dict[str, float]]:
    lines = []
    for record in found:
        if record.WhichOneof("record_type") == "history":
            items = {
                (item.key or ".".join(item.nested_key)): json.loads(item.value_json) for item in record.history.item
            }
            lines.append({key: value for key, value in items.items() if not key.startswith("_")})
    return lines


def test_a_training_is_in_all_three_places(tmp_path: Path, own_home: Path, offline: None) -> None:
    save_tiny_base(tmp_path / "base")
    labelled_table(tmp_path / "train.csv", rows=90)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        'task = "classify"\n[data]\ntrain = "train.csv"\n[model]\nbase = "./base"\nmax_tokens = 16\n'
        '[training]\nepochs = 2\ntrackers = ["tensorboard", "wandb"]\n[compression]\nquantize = "none"\n',
        encoding="utf-8",
    )
    train(recipe, out=tmp_path / "out")
    (folder,) = (own_home / "runs").iterdir()
    own = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    told = scalars(folder / "tensorboard")
    sent = history(records(folder))
    assert {name for line in own for name in line} - {"step"} == set(told)
    for line in own:
        for name, value in line.items():
            if name != "step":
                assert (line["step"], pytest.approx(value, rel=1e-5)) in told[name]
    assert sent == own


def test_no_text_of_the_data_goes_out(tmp_path: Path, offline: None) -> None:
    tracker = TRACKERS["wandb"](tmp_path / "run")
    (tmp_path / "run").mkdir()
    tracker.note(
        recipe={"task": "classify"}, data_report={"conflicts": [SECRET]}, report={"macro_f1": 0.5, "x": [SECRET]}
    )
    tracker.log(1, {"loss": 0.5})
    tracker.close()
    said = str(records(tmp_path / "run"))
    assert SECRET not in said
    assert "classify" in said
    assert "test/macro_f1" in said


def test_a_fresh_start_forgets_the_figures_of_the_former(tmp_path: Path) -> None:
    run = trackers_of(tmp_path, RunFolder(tmp_path), ["tensorboard"])
    run.log(1, {"loss": 3.0})
    run.clear()
    run.log(1, {"loss": 2.0})
    run.note(recipe={"task": "classify"})
    run.close()
    assert scalars(tmp_path / "tensorboard") == {"loss": [(1, 2.0)]}
    assert json.loads((tmp_path / "log.jsonl").read_text(encoding="utf-8")) == {"step": 1, "loss": 2.0}


def test_nobody_is_logged_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("wandb")
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UsageError, match=r"nobody is logged in.*wandb login"):
        check_trackers(["wandb"])
    assert not capsys.readouterr().err


@pytest.mark.parametrize("name", TRACKERS)
def test_a_package_that_is_missing_is_named_with_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"feilun.training.trackers.{name}.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=rf"feilun\[{name}\]"):
        check_trackers([name])


def test_an_unknown_tracker_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"training\.trackers must be a list of tensorboard \| wandb"):
        recipes.from_table({"task": "classify", "data": {"train": "x.csv"}, "training": {"trackers": ["mlflow"]}})
