"""What comes at once is written at once, each gets its own answer, and a fault is that of who brought it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from feilun.core.errors import StorageError
from feilun.storage.group_commit import GroupCommit


def test_while_one_write_goes_on_the_others_gather_and_share_the_next():
    writes, first, go_on = [], Event(), Event()

    def write(given):
        writes.append(list(given))
        if len(writes) == 1:
            first.set()
            assert go_on.wait(10)
        return [2 * one for one in given]

    together = GroupCommit(write)
    with ThreadPoolExecutor(9) as threads:
        alone = threads.submit(together.put, 0)
        assert first.wait(10)
        others = [threads.submit(together.put, number) for number in range(1, 9)]
        while len(together._gathered) < 8:
            pass
        go_on.set()
        assert alone.result(10) == 0
        assert [other.result(10) for other in others] == [2 * number for number in range(1, 9)]
    assert [len(write) for write in writes] == [1, 8]


def test_nothing_is_lost_or_mixed_up_among_many_threads():
    together, barrier, count = GroupCommit(lambda given: [one + 1 for one in given]), Barrier(8), 200

    def bring(thread):
        barrier.wait(10)
        return [together.put(count * thread + number) for number in range(count)]

    with ThreadPoolExecutor(8) as threads:
        found = [result for results in threads.map(bring, range(8)) for result in results]
    assert found == list(range(1, 8 * count + 1))


def test_a_refused_write_is_told_to_all_and_a_fault_to_its_own_alone():
    def refuse(given):
        raise StorageError("The disk is full.", "Free some space.")

    with pytest.raises(StorageError, match="full"):
        GroupCommit(refuse).put(1)

    def divide(given):
        return [1 / one for one in given]

    entered, go_on = Event(), Event()

    def held_up(given):
        entered.set()
        assert go_on.wait(10)
        return divide(given)

    together = GroupCommit(held_up)
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(together.put, 1)
        assert entered.wait(10)
        others = [threads.submit(together.put, number) for number in (2, 0, 4)]
        while len(together._gathered) < 3:
            pass
        go_on.set()
        assert first.result(10) == 1
        assert [others[i].result(10) for i in (0, 2)] == [0.5, 0.25]
        with pytest.raises(ZeroDivisionError):
            others[1].result(10)
