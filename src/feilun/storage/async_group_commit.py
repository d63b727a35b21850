"""What several requests of an event loop want written at the same time shares one write, by one thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from feilun.core.errors import StorageError

Given = TypeVar("Given")
Done = TypeVar("Done")


class AsyncGroupCommit(Generic[Given, Done]):
    """Group commit as in `together.py`, for those who wait on an event loop: a write takes a thread, not each request.

    Nobody waits for company: who comes alone is written at once, and what comes meanwhile is written next.

    Args:
        write: Writes what was gathered, all or nothing, and returns what became of each, in order; called by one
            thread at a time.
    """

    def __init__(self, write: Callable[[Sequence[Given]], Sequence[Done]]) -> None:
        self._write = write
        self._gathered: list[tuple[Given, asyncio.Future[Done]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def put(self, given: Given) -> Done:
        """Write, in company where there is some, and return once it is written.

        Raises:
            StorageError: If it could not be written.
        """
        waits: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        self._gathered.append((given, waits))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return await waits

    async def _write_all(self) -> None:
        try:
            while self._gathered:
                some, self._gathered = self._gathered, []
                await self._settle(some)
        finally:
            self._writing = None

    async def _settle(self, some: Sequence[tuple[Given, asyncio.Future[Done]]]) -> None:
        try:
            found = await asyncio.to_thread(self._write, [given for given, _ in some])
        except Exception as error:
            if len(some) > 1 and not isinstance(error, StorageError):
                for one in some:  # a fault of one is not the others'
                    await self._settle([one])
                return
            for _, waits in some:
                if not waits.done():
                    waits.set_exception(error)
        else:
            for (_, waits), done in zip(some, found, strict=True):
                if not waits.done():  # who asked may have gone
                    waits.set_result(done)
