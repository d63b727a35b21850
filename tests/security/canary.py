"""What a canary is, how files are put into its way, and how it is opened."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feilun.core.errors import FeilunError

DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000


class Trap:
    """Makes a file when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, ("sprung",)


@dataclass(frozen=True)
class Canary:
    """Something made to do harm.

    Args:
        name: What it tries.
        says: Words of the refusal.
        open: Makes it in a folder and opens it.
    """

    name: str
    says: str
    open: Callable[[Path], Any]


def written(name: str, content: bytes) -> Callable[[Path], Any]:
    """Return what writes a file into a folder."""

    def write(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    return write


def linked(name: str, target: str) -> Callable[[Path], Any]:
    """Return what puts a link in a file's place."""

    def link(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return link


def piped(name: str) -> Callable[[Path], Any]:
    """Return what puts a pipe in a file's place: who opens it waits for ever."""

    def pipe(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return pipe


def refusal(canary: Canary) -> dict[str, str]:
    """Open a canary in a folder of its own and return how it was refused."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        try:
            canary.open(folder)
        except FeilunError as error:
            kind, said = "refused", str(error)
        except Exception as error:
            kind, said = type(error).__name__, str(error)
        else:
            kind, said = "opened", ""
        sprung = Path("sprung").exists()
        with suppress(OSError):
            Path("sprung").rmdir()
    return {"name": canary.name, "kind": "sprung" if sprung else kind, "said": said}
