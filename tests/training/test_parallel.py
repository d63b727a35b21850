"""Several processes train as one does, stop together, and leave a checkpoint to go on from."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from processes import SETTINGS, difference, gradients, rows_of, run_of, still_model
from test_fit import digest

from feilun.core.corpus import corpus_of
from feilun.core.errors import LossNotFinite, TrainingError, UsageError
from feilun.models.adaptations.adalora import AdaLoRA
from feilun.models.adaptations.frozen import Frozen
from feilun.models.adaptations.full import Full
from feilun.models.build import set_dropout
from feilun.models.heads.classify import ClassifyHead, ClassifySettings
from feilun.models.text_model import TextModel
from feilun.training.checkpoint import Progress
from feilun.training.fit import Run, fit
from feilun.training.forward import Team, single_process
from feilun.training.settings import TrainingSettings
from feilun.training.trackers.run_folder import RunFolder
from feilun.training.workers.collective import Seat
from feilun.training.workers.parallel import check_workers, settings_of_each, shares, team_of
from feilun.training.workers.worker import Outcome, work
from tiny import LABELS, WORDS, reviews, tiny_base, tiny_model, tiny_splits

LEARNING = TrainingSettings(epochs=3, batch_tokens=200, learning_rate=3e-3, checkpoint_seconds=0)


@contextmanager
def two(make: partial[TextModel], rows: object, settings: TrainingSettings) -> Iterator[Team]:
    with team_of(2, make, make(), rows, settings_of_each(settings, 2)) as team:  # type: ignore[arg-type]
        yield team


def fit_by_two(folder: Path, *, resume: bool = False, watcher: object = None) -> TextModel:
    """Train with dropout by two processes."""
    model, splits = tiny_model(), tiny_splits()
    with two(partial(tiny_model), splits.train, LEARNING) as team:
        fit(
            model, splits, settings_of_each(LEARNING, 2), RunFolder(folder), folder,
            identity="made", resume=resume, watcher=watcher, team=team,  # type: ignore[arg-type]
        )  # fmt: skip
    return model


class KillsAWorker:
    """Kills the other process after some steps."""

    def __init__(self, step: int) -> None:
        self.step_of_death, self.when = step, 0.0

    def step(self, progress: Progress, total: int, figures: Mapping[str, float]) -> None:
        if progress.step == self.step_of_death:
            (other,) = multiprocessing.active_children()
            assert other.pid is not None
            os.kill(other.pid, signal.SIGKILL)
            self.when = time.monotonic()


@given(st.lists(st.integers(1, 500), min_size=1, max_size=60), st.integers(1, 5))
def test_shares_hold_every_row_once_and_differ_by_at_most_a_row(lengths: list[int], workers: int) -> None:
    parts = shares(lengths, workers)
    assert len(parts) == workers
    assert sorted(place for part in parts for place in part) == list(range(len(lengths)))
    loads = [sum(lengths[place] for place in part) for part in parts]
    assert max(loads) - min(loads) <= max(lengths)
    assert parts[0]


@pytest.mark.parametrize(
    ("task", "adaptation"),
    [("similarity", AdaLoRA(rank=2, initial_rank=4)), ("generate", None)],
    ids=["each text against all of the batch, and a term of the gradient's own", "a mean over tokens"],
)
def test_gradients_are_those_of_one_process(task: str, adaptation: AdaLoRA | None, tmp_path: Path) -> None:
    make = partial(still_model, task, adaptation)
    one = run_of(task, tmp_path / "one", make())
    batches = next(one.steps(0))
    loss = one.gradients.add(batches, 0, one.total)
    with two(make, rows_of(task).train, SETTINGS) as team:
        both = run_of(task, tmp_path / "two", make(), settings_of_each(SETTINGS, 2), team)
        assert both.gradients.add(batches, 0, both.total) == pytest.approx(loss, rel=1e-6)
        expected = gradients(one.model)
        assert difference(expected, gradients(both.model)) < 1e-6

        both.gradients.at_once = 30  # the other process hears of it
        assert both.gradients.add(batches, 0, both.total) == pytest.approx(loss, rel=1e-6)
        assert difference(expected, gradients(both.model)) < 1e-6

        with torch.no_grad():
            both.weights[0].fill_(float("nan"))
        with pytest.raises(LossNotFinite, match="not finite at step 1") as caught:
            both.step(batches)
        assert set(caught.value.row_ids) == {both.ids[row] for row in batches[0]}
    assert not multiprocessing.active_children()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_worker_ends_the_run_and_resume_gives_bitwise_the_same_weights(tmp_path: Path) -> None:
    whole = fit_by_two(tmp_path / "whole")
    killer = KillsAWorker(5)
    with pytest.raises(TrainingError, match=r"Worker 1 of 2 has ended, killed by SIGKILL.*--resume"):
        fit_by_two(tmp_path / "killed", watcher=killer)
    assert time.monotonic() - killer.when < 10
    shutil.copytree(tmp_path / "killed", tmp_path / "alone")
    progress = fit(
        tiny_model(), tiny_splits(), LEARNING, RunFolder(tmp_path / "alone"), tmp_path / "alone",
        identity="made", resume=True,
    )  # fmt: skip
    assert progress.finished  # soundly, with another number of workers
    resumed = fit_by_two(tmp_path / "killed", resume=True)
    assert digest(resumed) == digest(whole)
    assert not multiprocessing.active_children()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by setrlimit, and counted in /proc")
def test_where_the_memory_of_one_runs_out_all_read_less_at_once(tmp_path: Path) -> None:
    texts = [" ".join(WORDS[(i + j) % 16] for j in range(58)) for i in range(2400)]
    rows = corpus_of(texts, list(LABELS.names) * 800)
    splits, settings = replace(tiny_splits(), train=rows, validation=rows), replace(SETTINGS, batch_tokens=10**6)
    expected = Run(long_model(), splits, settings, RunFolder(tmp_path), tmp_path, "made")
    loss = expected.gradients.add([range(2400)], 0, 1)
    with two(partial(long_model, megabytes=500), rows, settings) as team:
        run = Run(long_model(), splits, settings, RunFolder(tmp_path), tmp_path, "made", team=team)
        assert run.gradients.add([range(2400)], 0, 1) == pytest.approx(loss, rel=1e-6)
        assert run.gradients.at_once is not None
        assert difference(gradients(expected.model), gradients(run.model)) < 1e-5  # sums of 144,000 tokens in float32


def long_model(megabytes: int | None = None) -> TextModel:
    """A model that reads 60 tokens; in a process other than the tests' own it has only so much memory from here on."""
    torch.manual_seed(0)
    model = TextModel(tiny_base(), ClassifyHead(32, LABELS, ClassifySettings(dropout=0.0)), Full(), LABELS, 60)
    set_dropout(model.body, 0.0)
    if megabytes is not None and multiprocessing.parent_process() is not None:
        import resource

        ctypes.CDLL(None).mallopt(-8, 1)  # M_ARENA_MAX: else each thread reserves room that it does not use
        status = Path("/proc/self/status").read_text()
        size = int(next(line for line in status.splitlines() if "VmSize" in line).split()[1])
        resource.setrlimit(resource.RLIMIT_AS, (1024 * size + megabytes * 2**20, -1))
    return model


def test_a_worker_that_cannot_build_its_model_says_why(tmp_path: Path) -> None:
    ours, theirs = multiprocessing.Pipe()
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    ours.send(("build",))
    ours.send(None)
    try:
        work(Seat(1, 2, tmp_path / "meeting"), theirs, partial(tiny_model, Frozen(layers=3)), reviews(1), LEARNING)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
    outcome, reason = ours.recv()
    assert outcome is Outcome.FAILED
    assert "has 2 layers" in reason


def test_one_process_starts_no_other() -> None:
    with team_of(1, partial(tiny_model), tiny_model(), tiny_splits().train, LEARNING) as team:
        assert team is single_process
        assert not multiprocessing.active_children()
    assert settings_of_each(LEARNING, 1) is LEARNING


def test_workers_share_the_threads() -> None:
    assert settings_of_each(TrainingSettings(threads=8), 2).threads == 4
    assert settings_of_each(TrainingSettings(threads=2), 4).threads == 1


def test_workers_are_refused_where_the_base_is_run_once() -> None:
    with pytest.raises(UsageError, match="--workers 2: the base stands still"):
        check_workers(2, tiny_model(Frozen()))
    check_workers(2, tiny_model(Frozen(layers=1)))


def test_more_workers_than_cores_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    check_workers(os.cpu_count() or 1, tiny_model())
    assert not caplog.messages
    check_workers(1000, tiny_model())
    (message,) = caplog.messages
    assert "--workers 1000, but this machine has" in message
