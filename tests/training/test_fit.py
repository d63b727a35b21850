from __future__ import annotations

import hashlib
import math
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.hooks import RemovableHandle

from feilun.core.errors import LossNotFinite, StorageError, TrainingError, UsageError
from feilun.models.adaptations.frozen import Frozen
from feilun.models.adaptations.full import Full
from feilun.models.build import set_dropout
from feilun.models.text_model import TextModel
from feilun.training import checkpoint
from feilun.training.averaging import AveragedWeights
from feilun.training.checkpoint import Progress
from feilun.training.fit import Run, fit
from feilun.training.optimizer import default_rate
from feilun.training.settings import TrainingSettings
from feilun.training.stopping import EarlyStopping
from feilun.training.trackers.run_folder import RunFolder
from tiny import read_log, tiny_base, tiny_model, tiny_splits

SETTINGS = TrainingSettings(epochs=4, batch_tokens=64, learning_rate=3e-3)


def digest(model: TextModel) -> str:
    total = hashlib.sha256()
    for name, weight in model.named_parameters():
        total.update(name.encode())
        total.update(weight.detach().numpy().tobytes())
    return total.hexdigest()


def run(
    folder: Path, settings: TrainingSettings = SETTINGS, model: TextModel | None = None, **more: object
) -> TextModel:
    model = model or tiny_model()
    fit(model, tiny_splits(), settings, RunFolder(folder), folder, identity="made", **more)  # type: ignore[arg-type]
    return model


def test_it_learns_what_can_be_learnt(tmp_path: Path) -> None:
    model = tiny_model()
    progress = fit(model, tiny_splits(300), SETTINGS, RunFolder(tmp_path), tmp_path, identity="made")
    assert progress.best is not None
    assert progress.best > 0.9
    assert len(read_log(tmp_path)) == len(progress.history)
    test = tiny_splits().test
    hits = [p.label == t for p, t in zip(model.predict(test), test.target, strict=True)]
    assert np.mean(hits) > 0.85


def test_same_seed_same_weights_other_seed_other_weights(tmp_path: Path) -> None:
    first, second = run(tmp_path / "a"), run(tmp_path / "b")
    other = run(tmp_path / "c", TrainingSettings(**{**SETTINGS.__dict__, "seed": 14}))
    assert digest(first) == digest(second)
    assert digest(first) != digest(other)


def test_the_weights_kept_are_those_of_the_best_evaluation(tmp_path: Path) -> None:
    model = tiny_model()
    splits = tiny_splits()
    progress = fit(model, splits, SETTINGS, RunFolder(tmp_path), tmp_path, identity="made")
    accuracy = np.mean(
        [p.label == t for p, t in zip(model.predict(splits.validation), splits.validation.target, strict=True)]
    )
    best = next(row for row in progress.history if row["step"] == progress.best_step)
    assert accuracy == pytest.approx(best["accuracy"])
    assert best["macro_f1"] == max(row["macro_f1"] for row in progress.history)


@pytest.mark.parametrize(("warmup", "seen"), [(0.0, 3), (0.1, 7)])
def test_it_stops_early_when_nothing_gets_better_after_the_warmup(tmp_path: Path, warmup: float, seen: int) -> None:
    settings = TrainingSettings(
        epochs=50, learning_rate=1e-9, warmup=warmup,
        early_stopping=EarlyStopping(patience=2, evaluations_per_epoch=1),
    )  # fmt: skip
    progress = fit(tiny_model(), tiny_splits(), settings, RunFolder(tmp_path), tmp_path, identity="made")
    assert len(progress.history) == seen


def test_every_row_is_seen_once_an_epoch(tmp_path: Path) -> None:
    from feilun.training.fit import Run

    training = Run(tiny_model(), tiny_splits(), SETTINGS, RunFolder(tmp_path), tmp_path, "made")
    epochs = [[row for step in training.steps(e) for batch in step for row in batch] for e in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(120))
    assert epochs[0] != epochs[1]


def without_dropout() -> TextModel:
    model = tiny_model(dropout=0.0)
    set_dropout(model.body, 0.0)
    return model


def test_accumulated_batches_make_the_step_of_one_large_batch(tmp_path: Path) -> None:
    common = {"epochs": 1, "optimizer": "sgd", "learning_rate": 0.1, "clip": 0.0, "warmup": 0.0}
    # one step either way: all rows at once, or in as many batches as it takes
    whole = run(tmp_path / "a", TrainingSettings(**common, batch_tokens=10**6, batch_rows=10**6), without_dropout())
    parts = run(tmp_path / "b", TrainingSettings(**common, batch_tokens=40, accumulate=10**6), without_dropout())
    for (name, one), (_, other) in zip(whole.named_parameters(), parts.named_parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-5), name


def test_frozen_base_stays_bitwise_and_its_outputs_are_computed_once(tmp_path: Path) -> None:
    model = tiny_model(Frozen())
    before = {name: weight.clone() for name, weight in model.body.named_parameters()}
    calls = []
    handle = model.body.register_forward_pre_hook(lambda *_: calls.append(1))
    run(tmp_path, model=model)
    handle.remove()
    assert all(torch.equal(before[name], weight) for name, weight in model.body.named_parameters())
    assert len(calls) <= 2  # the training rows once, the validation rows once


@pytest.mark.parametrize("layers", [1, 2])
def test_top_layers_move_and_those_below_stay(tmp_path: Path, layers: int) -> None:
    model = tiny_model(Frozen(layers=layers))
    before = {name: weight.clone() for name, weight in model.body.named_parameters()}
    run(tmp_path, model=model)
    for name, weight in model.body.named_parameters():
        moves = name.startswith(tuple(f"encoder.layer.{i}." for i in range(2 - layers, 2)))
        assert torch.equal(before[name], weight) != moves, name


def test_too_many_layers_are_refused() -> None:
    with pytest.raises(UsageError, match="has 2 layers"):
        tiny_model(Frozen(layers=3))


def test_word_embeddings_move_only_where_asked(tmp_path: Path) -> None:
    for asked in (False, True):
        model = tiny_model(Full(word_embeddings=asked))
        before = model.body.get_input_embeddings().weight.clone()
        run(tmp_path / str(asked), model=model)
        assert torch.equal(before, model.body.get_input_embeddings().weight) != asked


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_rows(tmp_path: Path) -> None:
    model = tiny_model()
    poisoned = tiny_splits()
    word = model.body.get_input_embeddings().weight
    with torch.no_grad():
        word[model.encoder.tokenizer.token_to_id("fee")] = float("nan")
    with pytest.raises(LossNotFinite, match="not finite at step 1") as caught:
        fit(model, poisoned, SETTINGS, RunFolder(tmp_path), tmp_path, identity="made")
    named = set(caught.value.row_ids)
    rows = {i: text for i, text in zip(poisoned.train.id, poisoned.train.text, strict=True) if "fee" in text.split()}
    assert named & set(rows)
    assert "Nothing had been learned yet" in str(caught.value)
    assert not list(tmp_path.glob("*.safetensors"))


@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_the_state_before_a_loss_that_is_not_finite_is_kept_and_goes_on(tmp_path: Path, clip: float) -> None:
    class Poison:
        """Breaks a gradient after the second step, as an overflow would."""

        def step(self, progress: Progress, total: int, figures: Mapping[str, float]) -> None:
            if progress.step == 2:
                handle = model.head.get_parameter("linear.weight").register_hook(lambda gradient: gradient * math.inf)
                handles.append(handle)

    handles: list[RemovableHandle] = []
    settings = replace(SETTINGS, clip=clip, checkpoint_seconds=3600)
    model = tiny_model()
    with pytest.raises(LossNotFinite, match=r"not finite at step 3.*kept in .*--resume"):
        fit(model, tiny_splits(), settings, RunFolder(tmp_path), tmp_path, identity="made", watcher=Poison())
    for handle in handles:
        handle.remove()
    kept = Run(tiny_model(), tiny_splits(), settings, RunFolder(tmp_path), tmp_path, "made")
    kept.restore()
    assert kept.progress.step == 2
    assert all(bool(weight.isfinite().all()) for weight in kept.weights)
    assert all(
        torch.equal(ours, theirs) for ours, theirs in zip(kept.model.parameters(), model.parameters(), strict=True)
    )


@pytest.mark.parametrize("broken", [math.nan, 1e38])
def test_weights_that_ran_away_are_neither_judged_nor_kept(tmp_path: Path, broken: float) -> None:
    class Poison:
        """Breaks the weights after a step, as a rate that is too high does."""

        def step(self, progress: Progress, total: int, figures: Mapping[str, float]) -> None:
            if progress.step == 3:
                with torch.no_grad():
                    for weight in model.body.encoder.layer.parameters():
                        weight.fill_(broken)

    model = tiny_model()
    settings = replace(SETTINGS, checkpoint_seconds=0, early_stopping=EarlyStopping("macro_f1", 0, 100), average=0)
    with pytest.raises(TrainingError, match=r"not finite.*kept in .*--resume"):
        fit(model, tiny_splits(), settings, RunFolder(tmp_path), tmp_path, identity="made", watcher=Poison())
    kept = Run(tiny_model(), tiny_splits(), settings, RunFolder(tmp_path), tmp_path, "made")
    kept.restore()
    assert kept.progress.step == 2
    assert all(bool((weight.abs() < 100).all()) for weight in kept.weights)


def test_an_unknown_metric_is_named_with_the_nearest(tmp_path: Path) -> None:
    settings = TrainingSettings(epochs=1, early_stopping=EarlyStopping(metric="macro_f"))
    with pytest.raises(UsageError, match="macro_f1"):
        run(tmp_path, settings)


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(TrainingError, match="another recipe"):
        fit(tiny_model(), tiny_splits(), SETTINGS, RunFolder(tmp_path), tmp_path, identity="other", resume=True)


def test_resume_with_nothing_to_resume_starts_afresh(tmp_path: Path) -> None:
    assert digest(run(tmp_path / "a", resume=True)) == digest(run(tmp_path / "b"))


CHILD = """
import sys; sys.path.insert(0, {tests!r})
from pathlib import Path
from test_fit import run_in_small_steps
run_in_small_steps(Path(sys.argv[1]))
"""


def run_in_small_steps(folder: Path) -> str:
    """Train, or go on, with a checkpoint after each step; the digest of the weights."""
    settings = TrainingSettings(epochs=3, batch_tokens=64, accumulate=2, learning_rate=3e-3, checkpoint_seconds=0)
    return digest(run(folder, settings, resume=True))


def child(folder: Path) -> subprocess.Popen[bytes]:
    code = CHILD.format(tests=str(Path(__file__).parent))
    own = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent.parent), own])
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    )


def test_killed_at_random_points_and_resumed_gives_bitwise_the_same_weights(tmp_path: Path) -> None:
    """SIGKILL mid-epoch, mid-accumulation and mid-write; `make bench` does it 50 times (benchmarks/kills.py)."""
    source = random.Random(5)
    folder = tmp_path / "killed"
    kills = 0
    for _ in range(3):
        process = child(folder)
        wanted = source.randint(1, 12)
        deadline = time.monotonic() + 60
        writes, last = 0, 0
        while process.poll() is None and writes < wanted and time.monotonic() < deadline:
            path = folder / checkpoint.CHECKPOINT
            now = path.stat().st_mtime_ns if path.exists() else 0
            writes += now != last
            last = now
            time.sleep(0.0005)
        time.sleep(source.random() * 0.01)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
    assert kills >= 2
    assert run_in_small_steps(folder) == run_in_small_steps(tmp_path / "whole")


def test_a_full_disk_stops_the_run_and_keeps_the_former_checkpoint(tmp_path: Path) -> None:
    import resource

    run(tmp_path)
    former = (tmp_path / checkpoint.CHECKPOINT).read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        model = tiny_model()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with pytest.raises(StorageError, match="disk is full"):
            checkpoint.save(tmp_path, "made", checkpoint.Progress(), model, optimizer, AveragedWeights([], 0))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert (tmp_path / checkpoint.CHECKPOINT).read_bytes() == former
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_the_default_rate_grows_with_the_root_of_the_rows_of_a_step() -> None:
    base, settings = tiny_base(), TrainingSettings(batch_rows=128, batch_tokens=10**6, epochs=1)
    assert settings.rows_of_a_step([5] * 256) == 128
    assert settings.rows_of_a_step([5] * 130) == 65
    assert replace(settings, accumulate=2).rows_of_a_step([5] * 256) == 256
    assert default_rate(base, Full(), 128) == pytest.approx(2 * default_rate(base, Full(), 32))
    assert default_rate(base, Full(), 8) == default_rate(base, Full(), 32)
