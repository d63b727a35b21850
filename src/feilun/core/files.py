"""Files that are complete or absent: written beside, synced, then renamed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from feilun.core.errors import StorageError
from feilun.core.remark import Remark

REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}
NO_PLACE = {errno.ENOENT, errno.ENOTDIR, errno.EEXIST}
"""What the system says where a folder takes no files, as in /proc, or where a file stands in its place."""


def check_writable(path: Path) -> None:
    """Refuse a place in which nothing can be written, before long work whose result is to stand there.

    Raises:
        StorageError: If its folder, or the nearest one above it that there is, takes no file.
    """
    existing = next(folder for folder in path.absolute().parents if folder.exists())
    with disk_errors(path), tempfile.TemporaryDirectory(dir=existing, prefix=f".{path.name}."):
        pass


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's errors of writing into a StorageError that names the place and the remedy."""
    try:
        yield
    except Exception as error:
        number = _system_error(error)
        if number in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise StorageError(
                Remark(f"The disk is full: {path} could not be written.", f"磁盘已满：{path} 写不进去。"),
                Remark(
                    "Nothing half-written was left. Free some space, or choose another folder, and run the command "
                    "again.",
                    "没有留下写了一半的内容。请腾出空间或换一个文件夹，再运行一次。",
                ),
            ) from error
        if number in REFUSED or (number in NO_PLACE and _leads_to(path, error)):
            raise StorageError(
                Remark(
                    f"{path} cannot be written ({os.strerror(number)}).",
                    f"{path} 无法写入（{os.strerror(number)}）。",
                ),
                Remark(
                    "Choose a folder that you may write to (--out, or FEILUN_HOME for state and cache).",
                    "请选择可写的文件夹（--out；状态和缓存用 FEILUN_HOME）。",
                ),
            ) from error
        raise


def _leads_to(path: Path, error: Exception) -> bool:
    """Return whether an error of the system is about a folder above a path, or about a temporary file for it."""
    if not isinstance(error, OSError) or not error.filename:
        return False
    of, place = Path(os.fsdecode(error.filename)).absolute(), path.absolute()
    return of in place.parents or of.name.startswith(f".{place.name}.")


def _system_error(error: Exception) -> int:
    """Return the operating system's error number, also where a library in Rust only spells it out; else 0."""
    if isinstance(error, OSError):
        return error.errno or 0
    spelt = re.search(r"\(os error (\d+)\)", str(error))
    return int(spelt[1]) if spelt else 0


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is synced and renamed to `path`, else removed.

    Raises:
        StorageError: If the disk is full or the folder cannot be written.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(0o644)
            sync(temporary)
            temporary.replace(path)
            sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; on success it replaces `path` whole, else it is removed.

    A folder that stood at `path` is moved aside first and removed last, so that one complete folder is there at
    every instant but the one between two renames.

    Raises:
        StorageError: If the disk is full or the parent folder cannot be written.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        try:
            yield temporary
            temporary.chmod(0o755)
            for file in temporary.rglob("*"):
                sync(file)
            sync(temporary)
            former = temporary.with_name(f"{temporary.name}.former")
            if path.exists():
                path.rename(former)
            temporary.rename(path)
            sync(path.parent)
            shutil.rmtree(former, ignore_errors=True)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as readable JSON with sorted keys, atomically."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n")


LARGEST_JSON = 64 * 1024 * 1024
"""Bytes of a JSON file that is read whole; as values they take about ten times that."""


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        ValueError: If it is no JSON in UTF-8, larger than `LARGEST_JSON`, nests too deep, or is no file.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(Remark("it is no file", "它不是文件"))
    if status.st_size > LARGEST_JSON:
        raise ValueError(
            Remark(
                f"it has {status.st_size:,} bytes, and at most {LARGEST_JSON:,} are read",
                f"它有 {status.st_size:,} 字节，最多读取 {LARGEST_JSON:,} 字节",
            )
        )
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError(Remark("it nests values too deep", "它的值嵌套过深")) from error


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Flush a file or folder to the disk; folders are skipped where the system cannot open them."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except (PermissionError, IsADirectoryError):
        return  # Windows opens no folders
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
