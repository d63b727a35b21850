"""What is acknowledged waits on the disk whole; what a crash cut off was never acknowledged."""

from __future__ import annotations

import os
import sys

import pytest

from feilun.core.errors import StorageError
from feilun.storage.event_queue import STALE_SECONDS, EventQueue, left_behind, tidy


def test_rows_come_back_in_order_and_another_process_finds_them(tmp_path):
    queue = EventQueue(tmp_path / "waiting")
    assert not queue
    queue.append([{"id": "1", "text": "第一\n行"}])
    queue.append([{"id": "2"}, {"id": "3"}])
    assert [row["id"] for row in queue.rows()] == ["1", "2", "3"]
    assert queue.rows()[0]["text"] == "第一\n行"
    assert left_behind(tmp_path / "waiting") == queue.rows()
    queue.clear()
    assert not queue
    assert queue.rows() == []


def test_a_line_that_was_cut_off_is_left_out(tmp_path):
    queue = EventQueue(tmp_path)
    queue.append([{"id": "1"}])
    with queue.path.open("ab") as file:
        file.write(b'{"id": "2", "te')
    assert queue.rows() == [{"id": "1"}]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no limit of a file's size")
def test_a_full_disk_keeps_nothing_half(tmp_path):
    import resource
    import signal

    queue = EventQueue(tmp_path)
    queue.append([{"id": "1"}])
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(StorageError, match="full"):
            queue.append([{"id": "x" * 5000}])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    queue.append([{"id": "2"}])
    assert [row["id"] for row in queue.rows()] == ["1", "2"]


def test_files_of_processes_long_gone_are_deleted_and_those_of_living_ones_stay(tmp_path):
    old, new = EventQueue(tmp_path), EventQueue(tmp_path)
    old.append([{"id": "1"}])
    new.append([{"id": "2"}])
    now = new.path.stat().st_mtime
    os.utime(old.path, (now - STALE_SECONDS - 1,) * 2)
    tidy(tmp_path, now)
    assert left_behind(tmp_path) == [{"id": "2"}]
