"""The quickstart on a table of one's own: what it plans, what it refuses, and the whole of it on a tiny base."""

from __future__ import annotations

import io
from pathlib import Path

import polars
import pytest
from rich.console import Console

from feilun.core.errors import UsageError
from feilun.workflow.getting_started.quickstart import quickstart
from feilun.workflow.getting_started.time_plan import (
    ANSWERED,
    COMPARED,
    JUDGING_SECONDS,
    OTHER_SECONDS,
    SECONDS,
    VALIDATION,
    plan_for,
)
from feilun.workflow.screen import Terminal
from tiny import LABELS, reviews, save_tiny_base

pytestmark = pytest.mark.usefixtures("brisk")


@pytest.fixture
def base(tmp_path: Path) -> str:
    return str(save_tiny_base(tmp_path / "base"))


def write(path: Path, count: int, seed: int) -> None:
    corpus = reviews(count, seed)
    polars.DataFrame({"review": corpus.text, "mood": corpus.target}).write_csv(path)


@pytest.mark.parametrize("speed", [800, 1400, 4000, 40_000])
@pytest.mark.parametrize("length", [12, 56])
def test_what_is_planned_fits_the_time(speed: float, length: int) -> None:
    plan = plan_for(1.4 * speed, speed, [length], 512)
    training = plan.training_rows * length / plan.speed * VALIDATION
    judging = plan.test_rows * length / (speed * ANSWERED)
    assert training + judging + COMPARED * length / speed + OTHER_SECONDS <= SECONDS + 1
    assert judging <= JUDGING_SECONDS


def test_even_a_slow_machine_trains_and_a_fast_one_trains_more() -> None:
    fast, slow, slower = (plan_for(speed, speed, [56], 128) for speed in (4000, 1400, 100))
    assert fast.training_rows > slow.training_rows > slower.training_rows > 0


def test_texts_that_are_cut_shorter_leave_time_for_more_rows() -> None:
    whole, cut = (plan_for(1000, 700, [20, 120, 200], most) for most in (128, 64))
    assert cut.training_rows > 1.5 * whole.training_rows
    assert (whole.max_tokens, cut.max_tokens) == (128, 64)


def test_a_table_of_ones_own_becomes_a_bundle(tmp_path: Path, base: str) -> None:
    write(tmp_path / "评论.csv", 260, 1)
    console = Console(file=io.StringIO(), width=200, record=True)
    bundle = quickstart(tmp_path / "评论.csv", base=base, screen=Terminal(console, "zh"))
    assert bundle.report.n == 52  # a fifth is held out
    page = console.export_text()
    for words in ("260 条带标签的文本", "数据：读入 ", "训练完毕", "在 52 条文本上评估", "用自己的表格"):
        assert words in page
    assert {prediction.label for prediction in bundle.predict(["good"])} <= set(LABELS.names)


def test_a_folder_keeps_its_own_test_rows(tmp_path: Path, base: str) -> None:
    folder = tmp_path / "reviews"
    folder.mkdir()
    for name, count, seed in (("train", 200, 1), ("dev", 40, 2), ("test", 30, 3)):
        write(folder / f"{name}.csv", count, seed)
    assert quickstart(folder, "review", "mood", base).report.n == 30


def test_a_folder_without_a_train_table_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "test.csv", 10, 1)
    with pytest.raises(UsageError, match="without a train table"):
        quickstart(tmp_path)


def test_without_labels_it_is_said_what_can_be_done(tmp_path: Path) -> None:
    polars.DataFrame({"body": [f"text number {i} of many words" for i in range(50)]}).write_csv(tmp_path / "a.csv")
    with pytest.raises(UsageError, match="insight"):
        quickstart(tmp_path / "a.csv")


def test_a_table_without_texts_is_learnt_from_its_columns(tmp_path: Path) -> None:
    amounts = [i * i * 31 % 997 for i in range(300)]
    rows = [
        {"amount": amount, "channel": ("web", "desk")[i % 2], "risk": "bad" if amount > 600 else "good"}
        for i, amount in enumerate(amounts)
    ]
    polars.DataFrame(rows).write_csv(tmp_path / "loans.csv")
    bundle = quickstart(tmp_path / "loans.csv", target="risk")
    assert bundle.report.metrics["accuracy"].value > 0.9
