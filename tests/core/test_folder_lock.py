"""One process at a time works in a folder; one that was killed leaves it free."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import pytest

from feilun.core import folder_lock
from feilun.core.errors import StorageError, UsageError
from feilun.core.folder_lock import locked_folder

HOLD = """
import sys, time
from pathlib import Path
from feilun.core.folder_lock import locked_folder
with locked_folder(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(UsageError, match="going on already") as refused, locked_folder(tmp_path):
        pass
    assert "同样的工作已经在" in refused.value.message.chinese
    holder.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    holder.wait()
    holder.stdout.close()
    with locked_folder(tmp_path):
        pass


def test_neither_does_a_process_enter_twice(tmp_path: Path) -> None:
    with (
        locked_folder(tmp_path / "new"),
        pytest.raises(UsageError, match="going on already"),
        locked_folder(tmp_path / "new"),
    ):
        pass
    with locked_folder(tmp_path / "new"):
        pass


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((StorageError, OSError)), locked_folder(tmp_path / "file"):
        pass


def test_one_that_waits_says_so_once_and_enters_when_the_other_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_lock, "LOOK_SECONDS", 0.01)
    order: list[str] = []
    with ExitStack() as held:
        held.enter_context(locked_folder(tmp_path))
        held.callback(order.append, "the first has ended")
        waiting = Thread(target=_enter, args=(tmp_path, order))
        waiting.start()
        while not order:
            time.sleep(0.01)
    waiting.join(10)
    assert order == ["waits", "the first has ended", "enters"]


def _enter(folder: Path, order: list[str]) -> None:
    with locked_folder(folder, lambda: order.append("waits")):
        order.append("enters")
