"""A folder in which one process works at a time: its lock ends with the process, however that ends."""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from feilun.core.errors import UsageError
from feilun.core.files import disk_errors
from feilun.core.remark import Remark

LOCK = ".lock"

LOOK_SECONDS = 0.5
"""How often it is looked whether another one has ended."""

TAKEN = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
"""What systems answer where another holds the lock; on a disk that knows no locks (ENOLCK …) nothing is locked."""


@contextmanager
def locked_folder(folder: Path, waits: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold a folder for the length of a block.

    Args:
        folder: It; made where it does not exist. A file `.lock` stays in it.
        waits: Called once where another one holds it, whose end is waited for then; None refuses.

    Raises:
        UsageError: If another process holds it, or this one does already, and it is not to be waited for.
        StorageError: If it cannot be written.
    """
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("ab")
    with file:
        if not _locked(file.fileno()):
            if waits is None:
                raise UsageError(
                    Remark(f"The same work is going on already in {folder}.", f"同样的工作已经在 {folder} 中进行。"),
                    Remark("Wait until it has ended, or stop it.", "请等它结束，或将其停止。"),
                )
            waits()
            while not _locked(file.fileno()):
                time.sleep(LOOK_SECONDS)
        yield


def _locked(handle: int) -> bool:
    """Lock a file; say whether no other one holds it."""
    try:
        _lock(handle)
    except OSError as error:
        return error.errno not in TAKEN
    return True


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
