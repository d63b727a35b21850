"""What several threads want written at the same time shares one write, and so one sync of the disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event, Lock
from typing import Generic, TypeVar

from feilun.core.errors import StorageError

Given = TypeVar("Given")
Done = TypeVar("Done")


class GroupCommit(Generic[Given, Done]):
    """Group commit (DeWitt et al. 1984): while one write goes on others gather, and the next takes them all.

    Nobody waits for company: who comes alone is written at once. One of those who gathered writes for all of them, and
    who was written for goes at once, without waiting for the next write.

    Args:
        write: Writes what was gathered, all or nothing, and returns what became of each, in order.
    """

    def __init__(self, write: Callable[[Sequence[Given]], Sequence[Done]]) -> None:
        self._write = write
        self._gathered: list[_Waiting[Given, Done]] = []
        self._gathering = Lock()
        self._written_for = False

    def put(self, given: Given) -> Done:
        """Write, in company where there is some, and return once it is written.

        Raises:
            StorageError: If it could not be written.
        """
        mine: _Waiting[Given, Done] = _Waiting(given)
        with self._gathering:
            self._gathered.append(mine)
            waits, self._written_for = self._written_for, True
        if waits:
            mine.turn.wait()
        if not mine.settled:
            self._write_gathered()
        if mine.error is not None:
            raise mine.error
        return mine.done[0]

    def _write_gathered(self) -> None:
        """Write what has gathered, and give the turn to one of those who came meanwhile."""
        with self._gathering:
            some, self._gathered = self._gathered, []
        try:
            self._settle(some)
        finally:
            with self._gathering:
                following = self._gathered[:1]
                self._written_for = bool(following)
            for one in (*following, *some):
                one.turn.set()

    def _settle(self, some: Sequence[_Waiting[Given, Done]]) -> None:
        try:
            found = self._write([one.given for one in some])
        except StorageError as error:
            for one in some:
                one.settle(error)
        except BaseException as error:
            if len(some) == 1 or not isinstance(error, Exception):
                for one in some:
                    one.settle(error)
                return
            for one in some:  # a fault of one is not the others'
                self._settle([one])
        else:
            for one, done in zip(some, found, strict=True):
                one.done.append(done)
                one.settled = True


class _Waiting(Generic[Given, Done]):
    """What waits for its write.

    Args:
        given: What is to be written.
    """

    def __init__(self, given: Given) -> None:
        self.given = given
        self.turn = Event()
        self.settled = False
        self.done: list[Done] = []
        self.error: BaseException | None = None

    def settle(self, error: BaseException) -> None:
        self.error, self.settled = error, True
