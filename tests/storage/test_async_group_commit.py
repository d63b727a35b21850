"""Requests of an event loop share writes; each gets its own answer, and a fault of one is not the others'."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from feilun.core.errors import StorageError
from feilun.storage.async_group_commit import AsyncGroupCommit


def test_what_comes_during_a_write_is_written_together_next() -> None:
    writes: list[Sequence[int]] = []
    go_on = threading.Event()

    def write(given: Sequence[int]) -> list[int]:
        writes.append(list(given))
        assert go_on.wait(10)
        return [10 * one for one in given]

    async def ask() -> list[int]:
        gathering = AsyncGroupCommit(write)
        first = asyncio.create_task(gathering.put(0))
        while not writes:
            await asyncio.sleep(0.001)
        others = [asyncio.create_task(gathering.put(number)) for number in range(1, 50)]
        await asyncio.sleep(0)
        go_on.set()
        return await asyncio.gather(first, *others)

    assert asyncio.run(ask()) == [10 * number for number in range(50)]
    assert writes == [[0], list(range(1, 50))]


def test_a_wrong_one_fails_alone_and_a_disk_that_refuses_fails_all() -> None:
    def write(given: Sequence[str]) -> Sequence[str]:
        if "wrong" in given:
            raise ValueError("wrong")
        if "full" in given:
            raise StorageError("The disk is full.")
        return given

    async def ask(*given: str) -> list[object]:
        gathering: AsyncGroupCommit[str, str] = AsyncGroupCommit(write)
        return await asyncio.gather(*map(gathering.put, given), return_exceptions=True)

    good, wrong, other = asyncio.run(ask("a", "wrong", "b"))
    assert (good, other) == ("a", "b")
    assert isinstance(wrong, ValueError)
    assert all(isinstance(one, StorageError) for one in asyncio.run(ask("a", "full")))


def test_who_goes_before_the_answer_disturbs_nobody() -> None:
    go_on = threading.Event()

    def write(given: Sequence[int]) -> Sequence[int]:
        assert go_on.wait(10)
        return given

    async def ask() -> int:
        gathering = AsyncGroupCommit(write)
        gone, stays = asyncio.create_task(gathering.put(1)), asyncio.create_task(gathering.put(2))
        await asyncio.sleep(0)
        gone.cancel()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert await stays == 2
        return await gathering.put(3)

    assert asyncio.run(ask()) == 3
