"""Sources that may hang are read on threads of their own, so that whoever writes never waits for a server.

A source is a generator of batches, and one step of it is done at a time: the next batch is fetched once the one before
is written. So the memory holds at most `MOST_READ` batches, whatever the number of sources, and while nothing can be
written nothing more is fetched. A position is saved only together with its batch, by the writer: where the process is
killed, what was fetched and not written is fetched again.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

from feilun.apps.public_opinion.document import Form
from feilun.apps.public_opinion.sources.source import Batch, Remote, Source

MOST_READ = 8
"""Sources that are read at the same time."""

PATIENCE = 0.05
"""Seconds that the writer waits for a step: a server nearby answers in the round that asks it."""


class Aside:
    """Reads sources on threads of their own, as long as it is kept: each read goes on from round to round.

    Args:
        most: Sources that are read at the same time, each holding at most one batch.
    """

    def __init__(self, most: int = MOST_READ) -> None:
        self.most = most
        self._readings: dict[str, _Reading] = {}

    def of(self, source: Remote) -> Source:
        """Return a source whose `read` gives what has come of this one, and never waits for more."""
        return _Beside(source, self)

    def read(self, source: Remote, position: Any) -> Iterator[Batch]:
        """Yield the batches of a source that are there; begin to read it where that is not so yet.

        A batch that is not written (the next call comes with another position) is given again.

        Raises:
            FeilunError: What reading the source raised; it is begun anew by the next call.
        """
        reading = self._readings.get(source.name)
        if reading is None:
            if len(self._readings) >= self.most or not source.is_due(position):
                return
            reading = self._readings[source.name] = _Reading(source.read(position))
        elif reading.is_written(position):
            reading.go_on()
        while reading.has_come():
            try:
                batch = reading.batch()
            except BaseException:
                del self._readings[source.name]
                raise
            if batch is None:
                del self._readings[source.name]
                return
            yield batch
            reading.go_on()  # who asks for more has written it


@dataclass(frozen=True)
class _Beside:
    """A source as `Aside` reads it."""

    source: Remote
    aside: Aside

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def form(self) -> Form:
        return self.source.form

    def read(self, position: Any) -> Iterator[Batch]:
        return self.aside.read(self.source, position)


@dataclass
class _Reading:
    """A source that is being read.

    Args:
        batches: What it gives, step by step, no two at once.
    """

    batches: Iterator[Batch]
    _step: Future[Batch | None] = field(init=False)

    def __post_init__(self) -> None:
        self.go_on()

    def go_on(self) -> None:
        """Begin the next step; a process that ends does not wait for it."""
        self._step = Future()
        Thread(target=self._take, args=(self._step,), name="feilun-source", daemon=True).start()

    def _take(self, step: Future[Batch | None]) -> None:
        try:
            step.set_result(next(self.batches, None))
        except BaseException as error:  # the writer's thread raises it
            step.set_exception(error)

    def has_come(self) -> bool:
        """Return whether the step is done, or is within a moment."""
        return bool(wait([self._step], PATIENCE).done)

    def batch(self) -> Batch | None:
        """Return the batch that came; None behind the last one."""
        return self._step.result()

    def is_written(self, position: Any) -> bool:
        """Return whether the batch that came is the one of a saved position."""
        if not self._step.done() or self._step.exception() is not None:
            return False
        batch = self._step.result()
        return batch is not None and batch.position == position
