"""A process that lives with its parent ends when that is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PARENT = """
import multiprocessing, os, signal, sys, time
from feilun.core.child_process import end_with_parent

def child():
    end_with_parent()
    print(os.getpid(), flush=True)
    time.sleep(300)

if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=child)
    process.start()
    sys.stdin.readline()
    os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        assert int(parent.stdout.readline())
        parent.communicate("\n", timeout=100)  # both hold the pipe, which ends when both have ended
    assert parent.returncode
