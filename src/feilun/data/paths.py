"""Names of files in messages, and what is wrong with a path that cannot be read."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from feilun.core.errors import DataError
from feilun.core.remark import Remark, said_in

PASSWORD = re.compile(r"(://[^/:@]*):[^/]*@")
GIVE_ROWS = Remark("Give a file with a header and at least some rows.", "请给出有表头、至少有几行数据的文件。")


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


def column_of(name: str, source: Path | str) -> Remark:
    """Name a column and the table in which it stands, as a part of a sentence."""
    return Remark(f"column {name!r} of {shown(source)}", f"{shown(source)} 的 {name!r} 列")


def no_column(source: str, name: str, columns: Sequence[str]) -> Remark:
    """Say that a table lacks a column, and which it has."""
    return Remark(
        f"{shown(source)} has no column {name!r} (it has: {', '.join(columns)}).",
        f"{shown(source)} 没有列 {name!r}（有：{'、'.join(columns)}）。",
    )


def readable_file(source: str, endings: tuple[str, ...]) -> Path:
    """Return the path of a file that can be read.

    Raises:
        DataError: If it is missing, a folder, empty, or may not be read.
    """
    path = Path(source)
    if path.is_dir():
        files = sorted(entry.name for entry in path.iterdir() if entry.suffix.lower() in endings)
        found = _listed(files)
        raise DataError(
            Remark(f"{shown(path)} is a folder, not a file.", f"{shown(path)} 是文件夹，不是文件。"),
            Remark(f"Name one of its files: {found}.", f"请指明其中一个文件：{said_in('zh', found)}。")
            if files
            else Remark("There is no table in it either.", "其中也没有表格文件。"),
        )
    if not path.exists():
        missing = Remark(f"There is no file {shown(path)}.", f"没有文件 {shown(path)}。")
        raise DataError(missing, _neighbours(path, endings))
    if not path.is_file():
        raise DataError(
            Remark(f"{shown(path)} is not a regular file.", f"{shown(path)} 不是普通文件。"),
            Remark(f"Give a file: {', '.join(endings)}.", f"请给出一个文件：{'、'.join(endings)}。"),
        )
    if not os.access(path, os.R_OK):
        raise DataError(
            Remark(f"{shown(path)} may not be read by this user.", f"当前用户无权读取 {shown(path)}。"),
            Remark("Change its permissions.", "请修改它的权限。"),
        )
    if path.stat().st_size == 0:
        raise DataError(Remark(f"{shown(path)} is empty (0 bytes).", f"{shown(path)} 是空文件（0 字节）。"), GIVE_ROWS)
    return path


def _neighbours(path: Path, endings: tuple[str, ...]) -> Remark:
    folder = path.parent
    if not folder.is_dir():
        return Remark(
            f"The folder {shown(folder)} does not exist either. Check the path.",
            f"文件夹 {shown(folder)} 也不存在。请检查路径。",
        )
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    close = get_close_matches(path.name, names, n=1, cutoff=0.6)
    if close:
        return Remark(f"Did you mean {close[0]!r}?", f"是不是 {close[0]!r}？")
    tables = [name for name in names if Path(name).suffix.lower() in endings]
    if not tables:
        return Remark("Check the path.", "请检查路径。")
    listed = _listed(tables)
    return Remark(f"Its folder holds: {listed}.", f"它的文件夹里有：{said_in('zh', listed)}。")


def _listed(names: list[str]) -> Remark:
    more = len(names) - 8
    return Remark(
        ", ".join(names[:8]) + (f" and {more} more" if more > 0 else ""),
        "、".join(names[:8]) + (f" 等，另有 {more} 个" if more > 0 else ""),
    )
