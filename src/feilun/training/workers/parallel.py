"""Training by several processes, of which each reads its share of every batch.

    here                                  each worker
    weights            ─ broadcast ─►     holds the same
    rows of a batch    ─────────────►     reads its share, as many tokens as the others
    logits             ◄─────────────     of its rows
    loss of the whole batch
    its gradient       ─────────────►     goes back through the model
    gradients          ◄ all-reduce ►     summed, in one flat bucket

The loss is taken here over all rows, so that the gradients are those of one process whatever a head compares or counts:
rows with each other, tokens of a whole batch. Workers keep nothing from one step to the next; optimiser, validation,
checkpoints and figures are here. So a run that is resumed goes on to the bitwise same weights with as many workers, and
soundly with any other number.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, distributed

from feilun.core.corpus import Corpus
from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.models.text_model import TextModel
from feilun.training.forward import OneProcess, Team, laid_out, single_process
from feilun.training.inputs import fixed_layers
from feilun.training.settings import TrainingSettings
from feilun.training.workers.collective import Collective, Seat, bucket_of, moving_weights
from feilun.training.workers.handle import Handle, started

log = logging.getLogger(__name__)


def settings_of_each(settings: TrainingSettings, workers: int) -> TrainingSettings:
    """Return the settings of each of several processes: it has its share of the threads."""
    if workers == 1:
        return settings
    return replace(settings, threads=max(1, (settings.threads or torch.get_num_threads()) // workers))


@contextmanager
def team_of(
    workers: int, make: Callable[[], TextModel], model: TextModel, train: Corpus, settings: TrainingSettings
) -> Iterator[Team]:
    """Have further processes ready for a training, and end them after it.

    Args:
        workers: Processes that train, this one among them.
        make: Builds the model anew in another process; it is pickled.
        model: The model of this process.
        train: The training rows.
        settings: What `settings_of_each` returned.

    Yields:
        What `fit` takes as its team.

    Raises:
        UsageError: If there is nothing that several processes could share, or there are fewer GPUs.
        TrainingError: If a worker fails or is killed.
    """
    if workers == 1:
        yield single_process
        return
    check_workers(workers, model)
    threads = torch.get_num_threads()
    with ExitStack() as stack:
        stack.callback(torch.set_num_threads, threads)
        meeting = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))) / "meeting"
        seats = [Seat(rank, workers, meeting) for rank in range(workers)]
        others = [stack.enter_context(started(seat, make, train, settings)) for seat in seats[1:]]
        yield partial(Together, others, seats[0])


def check_workers(workers: int, model: TextModel) -> None:
    """Refuse more than one worker where they would have nothing to share; warn where they would crowd.

    Raises:
        UsageError: If the base is run once for all steps, torch cannot, or there are fewer GPUs than workers.
    """
    if fixed_layers(model) == len(model.base.layers) and model.reads != "tokens":
        raise UsageError(
            Remark(
                f"--workers {workers}: the base stands still, so that it is run over every row once, before training; "
                "of the steps nothing is left to share.",
                f"--workers {workers}：基座不更新，训练前每行只过一遍，训练步骤中没有可分担的工作。",
            ),
            Remark(
                "Leave out --workers, or choose another model.adaptation.kind.",
                "请去掉 --workers，或选择另一种 model.adaptation.kind。",
            ),
        )
    if not distributed.is_available():
        raise UsageError(
            Remark(
                f"--workers {workers}: this build of torch has no torch.distributed.",
                f"--workers {workers}：这个 torch 没有 torch.distributed。",
            ),
            Remark("Leave out --workers.", "请去掉 --workers。"),
        )
    if model.device.type == "cuda" and workers > torch.cuda.device_count():
        raise UsageError(
            Remark(
                f"--workers {workers}: each worker has a GPU of its own, and there are {torch.cuda.device_count()}.",
                f"--workers {workers}：每个工作进程独占一块 GPU，而这里有 {torch.cuda.device_count()} 块。",
            ),
            Remark("Lower --workers.", "请减少 --workers。"),
        )
    cores = os.cpu_count() or 1
    if model.device.type == "cpu" and workers > cores:
        log.warning(
            "--workers %d, but this machine has %d cores: the workers will wait for each other.", workers, cores
        )


class Together:
    """Reads rows together with other processes.

    Args:
        others: The other processes.
        seat: The place of this one.
        own: Reads the rows of this process.
    """

    def __init__(self, others: Sequence[Handle], seat: Seat, own: OneProcess) -> None:
        self.others, self.own = others, own
        self.weights = moving_weights(own.model)
        self.bucket, self.places = bucket_of(self.weights)
        for other in others:
            other.answer()  # its model is built
        for other in others:
            other.order("meet")
        self.collective = Collective(seat, own.model.device)

    def begin(self, step: int, total: int, at_once: int | None) -> None:
        """Send the weights, and forget what is left of a try that failed."""
        for other in self.others:
            other.forget()
            other.order("begin", step, total, at_once)
        with torch.no_grad():
            torch._foreach_copy_(self.places, list[Tensor](self.weights))
        self._together(self.collective.spread)
        self.own.begin(step, total, at_once)

    def logits(self, rows: Sequence[int]) -> Tensor:
        """Return what the head says of the rows, which all processes read."""
        first, *parts = shares([self.own.inputs.lengths[row] for row in rows], 1 + len(self.others))
        asked = [(other, part) for other, part in zip(self.others, parts, strict=True) if part]
        for other, part in asked:
            other.order("logits", [rows[place] for place in part])
        found = [self.own.logits([rows[place] for place in first])]
        found += [other.logits(found[0].device) for other, _ in asked]
        return laid_out(found, [first, *(part for _, part in asked)])

    def finish(self) -> None:
        """Give the weights the sum of all gradients."""
        for other in self.others:
            other.answer()
        for other in self.others:
            other.order("finish")
        for weight, place in zip(self.weights, self.places, strict=True):
            place.zero_() if weight.grad is None else place.copy_(weight.grad)
        self._together(self.collective.sum)
        for weight, place in zip(self.weights, self.places, strict=True):
            weight.grad = None if weight.grad is None else place

    def _together(self, do: Callable[[Tensor], None]) -> None:
        """Do something that all take part in; it fails where one of them has ended."""
        try:
            do(self.bucket)
        except RuntimeError as error:
            for other in self.others:
                other.refuse_if_ended(error)
            raise


def shares(lengths: Sequence[int], workers: int) -> list[list[int]]:
    """Share out the rows of a batch so that the workers read about as many tokens each.

    Longest rows first, each to the worker that has least (Graham 1969): no two differ by more than a row.

    Args:
        lengths: Tokens of each row.
        workers: How many.

    Returns:
        Of each worker, where in the batch its rows stand; with few rows, the last ones get none.
    """
    parts: list[list[int]] = [[] for _ in range(workers)]
    loads = [0] * workers
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        least = loads.index(min(loads))
        parts[least].append(place)
        loads[least] += lengths[place]
    return parts
