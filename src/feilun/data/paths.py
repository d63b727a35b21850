"""Names of files in messages, and what is wrong with a path that cannot be read."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from pathlib import Path

from feilun.core.errors import DataError

PASSWORD = re.compile(r"(://[^/:@]*):[^/]*@")


def shown(path: Path | str) -> str:
    """Return a path as a message shows it, relative to the working directory where that is shorter, or a URL.

    The password of a URL is left out.
    """
    text = str(path)
    if "://" in text:
        return PASSWORD.sub(r"\1:***@", text)
    try:
        relative = os.path.relpath(text)
    except ValueError:  # another drive
        return text
    return relative if len(relative) < len(text) else text


def readable_file(source: str, endings: tuple[str, ...]) -> Path:
    """Return the path of a file that can be read.

    Raises:
        DataError: If it is missing, a folder, empty, or may not be read.
    """
    path = Path(source)
    if path.is_dir():
        files = sorted(entry.name for entry in path.iterdir() if entry.suffix.lower() in endings)
        inside = f"Name one of its files: {_listed(files)}." if files else "There is no table in it either."
        raise DataError(f"{shown(path)} is a folder, not a file.", inside)
    if not path.exists():
        raise DataError(f"There is no file {shown(path)}.", _neighbours(path, endings))
    if not path.is_file():
        raise DataError(f"{shown(path)} is not a regular file.", f"Give a file: {', '.join(endings)}.")
    if not os.access(path, os.R_OK):
        raise DataError(f"{shown(path)} may not be read by this user.", "Change its permissions.")
    if path.stat().st_size == 0:
        raise DataError(f"{shown(path)} is empty (0 bytes).", "Give a file with a header and at least some rows.")
    return path


def _neighbours(path: Path, endings: tuple[str, ...]) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"The folder {shown(folder)} does not exist either. Check the path."
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    close = get_close_matches(path.name, names, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]!r}?"
    tables = [name for name in names if Path(name).suffix.lower() in endings]
    return f"Its folder holds: {_listed(tables)}." if tables else "Check the path."


def _listed(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
