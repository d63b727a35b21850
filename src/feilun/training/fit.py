"""The training loop.

    for each epoch, for each batch of similar lengths:
        loss → gradients → clipped → one optimiser step
        now and then: look at the validation rows, keep the best averaged weights, write a checkpoint

A run is a pure function of recipe, data, seed and thread count: the order of batches depends only on (seed, epoch),
dropout on torch's random state, and both are in the checkpoint. So a run that was killed at any point goes on to the
bitwise same weights.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from feilun.core.errors import Interrupted, UsageError, nearest
from feilun.core.ports import Tracker
from feilun.core.remark import Remark, said_in
from feilun.core.splits import Splits
from feilun.evaluation.judges.table import JUDGES
from feilun.models.text_model import TextModel
from feilun.training import checkpoint
from feilun.training.averaging import AveragedWeights
from feilun.training.batch_order import steps_of
from feilun.training.checkpoint import Progress
from feilun.training.distil import Lessons
from feilun.training.energy import EnergyMeter
from feilun.training.forward import OneProcess, Team, single_process
from feilun.training.gradients import Gradients, NotFinite
from feilun.training.inputs import make_inputs
from feilun.training.interruption import Interruption
from feilun.training.kept import broken_answers, broken_loss
from feilun.training.optimizer import clip_gradients, default_rate, make_optimizer
from feilun.training.process import settle
from feilun.training.schedule import rate, rising_steps
from feilun.training.settings import TrainingSettings


class Watcher(Protocol):
    """Sees a run go on; a progress bar is one."""

    def step(self, progress: Progress, total: int, figures: Mapping[str, float]) -> None:
        """Called after each optimiser step."""
        ...


def fit(
    model: TextModel,
    splits: Splits,
    settings: TrainingSettings,
    tracker: Tracker,
    folder: Path,
    *,
    identity: str,
    resume: bool = False,
    watcher: Watcher | None = None,
    lessons: Lessons | None = None,
    team: Team = single_process,
) -> Progress:
    """Train a model in place and leave it with its best weights.

    Args:
        model: The model, its adaptation applied.
        splits: Trains on `train`, chooses by `validation`.
        settings: The table `[training]`.
        tracker: Receives the figures.
        folder: Holds checkpoint and best weights while the run lasts.
        identity: Hash of recipe, data and base: only its own checkpoint is resumed.
        resume: Go on from the checkpoint in `folder`, where there is one.
        watcher: Sees every step.
        lessons: What teachers say about the training rows.
        team: Who reads the rows: this process, or several (`parallel.team_of`).

    Returns:
        What the run did: its steps, its history of figures, and which step was best.

    Raises:
        LossNotFinite: A loss or gradient became NaN or infinite; the last good state is kept.
        TrainingError: What the model says of validation rows did; the same is kept.
        Interrupted: The user stopped the run; a checkpoint was written.
        UsageError: The early-stopping metric does not exist.
    """
    run = Run(model, splits, settings, tracker, folder, identity, lessons, team)
    if resume:
        run.restore()
    else:
        checkpoint.forget(folder)
    with Interruption() as interruption:
        run.go(watcher, interruption)
    run.close()
    return run.progress


class Run:
    """One training run and its state between steps."""

    def __init__(
        self,
        model: TextModel,
        splits: Splits,
        settings: TrainingSettings,
        tracker: Tracker,
        folder: Path,
        identity: str,
        lessons: Lessons | None = None,
        team: Team = single_process,
    ) -> None:
        settle(model, settings)
        torch.manual_seed(settings.seed)
        self.model, self.settings, self.tracker = model, settings, tracker
        self.folder, self.identity = folder, identity
        self.ids = model.head.ids(splits.train)
        self.inputs = make_inputs(model, splits.train, learning=True)
        targets = model.head.targets(splits.train).to(model.device)
        reader = team(OneProcess(model, self.inputs))
        self.gradients = Gradients(model, reader, targets, self.inputs.lengths, lessons)
        self.validation = make_inputs(model, splits.validation)
        self.validation_rows = splits.validation
        rows = settings.rows_of_a_step(self.inputs.lengths)
        own = settings.learning_rate or model.head.base_pace * default_rate(model.base, model.adaptation, rows)
        self.optimizer = make_optimizer(
            model, settings.optimizer, own,
            settings.head_learning_rate or model.head.pace * own / model.adaptation.pace,
            settings.weight_decay, settings.layer_decay,
        )  # fmt: skip
        self.weights = [weight for group in self.optimizer.param_groups for weight in group["params"]]
        self.steps_per_epoch = len(list(self.steps(0)))
        self.total = self.steps_per_epoch * settings.epochs
        self.average = AveragedWeights(self.weights, settings.average * self.total)
        self.stride = max(1, self.steps_per_epoch // settings.early_stopping.evaluations_per_epoch)
        self.progress, self.energy = Progress(), EnergyMeter()
        self.saved_at = time.monotonic()

    def restore(self) -> None:
        """Go back to the last checkpoint, where there is one."""
        found = checkpoint.load(self.folder, self.identity, self.model, self.optimizer, self.average)
        self.progress = found or Progress()
        self.gradients.at_once = self.progress.at_once
        self.model.head.watch(self.progress.history)
        checkpoint.forget_best(self.folder, keep=self.progress.best_step if self.progress.history else None)

    def go(self, watcher: Watcher | None, interruption: Interruption) -> None:
        """Train from where the run stands to its end."""
        self.model.train()
        while not self.progress.finished:
            self.go_on_to_the_end_of_the_epoch(watcher, interruption)

    def go_on_to_the_end_of_the_epoch(self, watcher: Watcher | None, interruption: Interruption) -> None:
        """Do the steps of the epoch that are not done yet; fewer where training ends early."""
        epoch, done = divmod(self.progress.step, self.steps_per_epoch)
        for batches in islice(self.steps(epoch), done, None):
            figures = self.step(batches)
            if watcher:
                watcher.step(self.progress, self.total, figures)
            self.after_step()
            if self.progress.finished:
                return
            if interruption.asked:
                self.save()
                raise Interrupted(
                    Remark(
                        f"Stopped at step {self.progress.step} of {self.total}; the checkpoint is in {self.folder}.",
                        f"在第 {self.progress.step} 步停止（共 {self.total} 步）；检查点在 {self.folder}。",
                    ),
                    Remark("Run the same command with --resume to go on.", "用同一命令加 --resume 接着训练。"),
                )

    def close(self) -> None:
        """Put the best weights into the model."""
        if self.progress.history:
            checkpoint.load_best(self.folder, self.progress.best_step, self.model)
        self.model.eval()

    def steps(self, epoch: int) -> Iterator[list[list[int]]]:
        """Yield the batches of each optimiser step of an epoch."""
        return steps_of(epoch, self.model.head, self.inputs.lengths, self.settings)

    def step(self, batches: Sequence[Sequence[int]]) -> dict[str, float]:
        """Do one optimiser step over some batches and return its figures."""
        began = time.monotonic()
        self.energy.joules()  # what was taken before this step does not count
        share = rate(self.settings.schedule, self.progress.step, self.total, self.settings.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = group["full_rate"] * share
        self.model.adaptation.before_step(self.model.base, self.progress.step, self.total)
        self.model.head.before_step(self.progress.step)
        try:
            loss = self.gradients.add(batches, self.progress.step, self.total)
            self.clip(batches)
        except NotFinite as found:
            self.keep_the_last_good_state()
            raise broken_loss(self.progress.step + 1, [self.ids[row] for row in found.rows], self.folder) from None
        self.optimizer.step()
        self.progress.step += 1
        self.progress.at_once = self.gradients.at_once
        self.average.after_step(self.progress.step)
        noted = self.model.adaptation.after_step(self.model.base, self.progress.step, self.total)
        self.optimizer.zero_grad(set_to_none=True)
        if noted:
            self.tracker.log(self.progress.step, noted)
        self.progress.tokens += sum(self.inputs.lengths[row] for batch in batches for row in batch)
        self.progress.seconds += time.monotonic() - began
        self.progress.joules += self.energy.joules()
        return {"loss": loss, "learning_rate": self.optimizer.param_groups[0]["lr"]}

    def clip(self, batches: Sequence[Sequence[int]]) -> None:
        """Bound the norm of the gradients, where that is set; refuse one that is not finite."""
        norm = clip_gradients(self.optimizer, self.weights, self.settings.clip or math.inf)
        if not norm.isfinite():
            raise NotFinite([row for batch in batches for row in batch])

    def keep_the_last_good_state(self) -> None:
        """Make the weights before a step that failed a checkpoint, where none was written yet."""
        if self.progress.step and not checkpoint.exists(self.folder):
            self.save()

    def after_step(self) -> None:
        """Evaluate, stop and save, where it is time to."""
        step = self.progress.step
        last = step == self.total
        in_epoch = step % self.steps_per_epoch
        if last or in_epoch == 0 or (in_epoch % self.stride == 0 and self.steps_per_epoch - in_epoch >= self.stride):
            self.evaluate()
        self.progress.finished |= last
        if self.progress.finished or time.monotonic() - self.saved_at >= self.settings.checkpoint_seconds:
            self.save()

    def evaluate(self) -> None:
        """Look at the validation rows with the averaged weights; keep these where they are the best so far."""
        stopping, progress = self.settings.early_stopping, self.progress
        with self.average.in_place():
            self.model.adaptation.constrain(self.model.base)
            measured = self.validation_figures()
            if stopping.metric not in measured:
                raise UsageError(
                    Remark(
                        f"training.early_stopping.metric is {stopping.metric!r}, which is not measured. "
                        f"{nearest(stopping.metric, measured)}",
                        f"training.early_stopping.metric 是 {stopping.metric!r}，但没有计算这项指标。"
                        f"{said_in('zh', nearest(stopping.metric, measured))}",
                    )
                )
            value = measured[stopping.metric]
            better = stopping.better(value, progress.best)
            if better:
                checkpoint.save_best(self.folder, progress.step, self.model)
        progress.history.append({"step": progress.step, "seconds": round(progress.seconds, 1), **measured})
        self.tracker.log(progress.step, measured)
        self.model.head.watch(progress.history)
        if better:
            progress.best, progress.best_step, progress.waited = value, progress.step, 0
            self.save()
            checkpoint.forget_best(self.folder, keep=progress.step)
        elif progress.step > rising_steps(self.total, self.settings.warmup):  # a step of a low rate tells little
            progress.waited += 1
            progress.finished |= stopping.enough(progress.waited)

    def validation_figures(self) -> dict[str, float]:
        """Return the metrics on the validation rows."""
        model = self.model
        logits = model.logits_from(self.validation, self.validation_rows)
        if not all(np.isfinite(getattr(row, "logits", row)).all() for row in logits):  # of `tag`, those of its tokens
            raise broken_answers(self.progress.step, self.folder)
        return JUDGES[model.head.task].figures(logits, self.validation_rows, model.labels, model.decision)

    def save(self) -> None:
        """Write a checkpoint; weights that are not finite do not take the place of the last good ones."""
        if all(weight.isfinite().all() for weight in self.weights):
            checkpoint.save(self.folder, self.identity, self.progress, self.model, self.optimizer, self.average)
        self.saved_at = time.monotonic()
