"""A process that reads the rows it is told with the weights that it is given: the other side of `parallel`."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Callable, Sequence
from enum import Enum
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from feilun.core.corpus import Corpus
from feilun.core.errors import FeilunError
from feilun.models.text_model import TextModel
from feilun.training.forward import OneProcess
from feilun.training.inputs import make_inputs
from feilun.training.memory import give_freed_memory_back, is_out_of_memory
from feilun.training.process import settle
from feilun.training.settings import TrainingSettings
from feilun.training.workers.collective import Collective, Seat, bucket_of, moving_weights


class Outcome(Enum):
    """How an order went."""

    DONE = "done"
    OUT_OF_MEMORY = "out of memory"
    FAILED = "failed"


def work(
    seat: Seat, orders: Connection, make: Callable[[], TextModel], train: Corpus, settings: TrainingSettings
) -> None:
    """Answer every order by its outcome until one is None, or nobody gives orders any more.

    Args:
        seat: The place of this process.
        orders: Brings the name of a method of `Worker` and its arguments; takes outcome and result.
        make: Builds the model as the other processes have it; its weights come with every step.
        train: The training rows.
        settings: The table `[training]`, with this process's share of the threads.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # the process that gives orders decides when to stop
        signal.signal(number, signal.SIG_IGN)
    try:
        worker = Worker(seat, make, train, settings)
        while (order := orders.recv()) is not None:
            verb, *arguments = order
            outcome, result = _outcome(getattr(worker, verb), arguments)
            if outcome is Outcome.OUT_OF_MEMORY:
                give_freed_memory_back()
            orders.send((outcome, result))
    except (EOFError, OSError):
        return


def _outcome(method: Callable[..., Any], arguments: Sequence[Any]) -> tuple[Outcome, Any]:
    try:
        return Outcome.DONE, method(*arguments)
    except FeilunError as error:
        return Outcome.FAILED, str(error)
    except Exception as error:  # whatever it is, the process that gives orders must hear of it
        return (Outcome.OUT_OF_MEMORY, "") if is_out_of_memory(error) else (Outcome.FAILED, traceback.format_exc())


class Worker:
    """What can be ordered of a worker.

    Args:
        seat: The place of this process.
        make: Builds the model.
        train: The training rows.
        settings: The table `[training]`.
    """

    model: TextModel
    reading: OneProcess
    collective: Collective

    def __init__(self, seat: Seat, make: Callable[[], TextModel], train: Corpus, settings: TrainingSettings) -> None:
        self.seat, self.make, self.train, self.settings = seat, make, train, settings
        self.said: Tensor | None = None

    def build(self) -> None:
        """Build the model; its weights become parts of one bucket, and so do their gradients."""
        if torch.cuda.is_available():
            torch.cuda.set_device(self.seat.rank)
        self.model = self.make()
        settle(self.model, self.settings)
        self.reading = OneProcess(self.model, make_inputs(self.model, self.train, learning=True))
        self.moving = moving_weights(self.model)
        self.weights, places = bucket_of(self.moving)
        for weight, place in zip(self.moving, places, strict=True):
            weight.data = place
        self.gradients, self.places = bucket_of(self.moving)
        self.model.train()

    def meet(self) -> None:
        """Find the other processes."""
        self.collective = Collective(self.seat, self.model.device)

    def begin(self, step: int, total: int, at_once: int | None) -> None:
        """Take over the weights for a step; dropout follows from seed, step and rank alone."""
        self.said = None
        self.collective.spread(self.weights)
        self.gradients.zero_()
        for weight, place in zip(self.moving, self.places, strict=True):
            weight.grad = place
        torch.manual_seed(_seed(self.settings.seed, step, self.seat.rank))
        self.model.adaptation.before_step(self.model.base, step, total)
        self.model.head.before_step(step)
        self.reading.begin(step, total, at_once)

    def logits(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Read rows; return what the head says of them, shape (rows, …)."""
        self.said = self.reading.logits(rows)
        said: NDArray[np.float32] = self.said.detach().cpu().numpy()
        return said

    def backward(self, gradient: NDArray[np.float32]) -> None:
        """Take the gradient of the loss by what `logits` returned back through the model."""
        said, self.said = self.said, None
        if said is not None:
            said.backward(torch.from_numpy(gradient).to(said.device))  # type: ignore[no-untyped-call]

    def finish(self) -> None:
        """Add the gradients to those of the other processes."""
        self.collective.sum(self.gradients)


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
