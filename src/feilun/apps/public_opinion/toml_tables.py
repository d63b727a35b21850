"""Files of many TOML tables such as [[entity]], written by people; a fault is named by the number of its table."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from feilun.core import toml
from feilun.core.errors import DataError
from feilun.core.remark import Remark, said_in
from feilun.core.settings import read

Table = TypeVar("Table")

CHINESE = {"entity": "主体", "ignored": "忽略的名称", "topic": "话题", "rule": "规则"}
"""What a table is called in Chinese."""


def read_file(path: Path, name: str, *, largest: int = toml.LARGEST, keys: int = toml.MOST_KEYS) -> dict[str, Any]:
    """Read a file of tables.

    Args:
        path: The file.
        name: What its tables are called, for the message.
        largest: Most characters.
        keys: Most keys.

    Raises:
        DataError: If it cannot be read, or is no TOML.
    """
    try:
        return toml.parse(path.read_text(encoding="utf-8-sig"), largest=largest, keys=keys)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        why = error.args[0] if isinstance(error, toml.TooMuch) else str(error)
        raise DataError(
            Remark(f"{path} cannot be read: {why}.", f"无法读取 {path}：{said_in('zh', why)}。"),
            Remark(f"A TOML file of [[{name}]] tables.", f"应是由 [[{name}]] 表组成的 TOML 文件。"),
        ) from error


def read_tables(kind: type[Table], name: str, values: Mapping[str, Any]) -> tuple[dict[int, Table], list[Remark]]:
    """Return the sound tables of a name by their numbers, and what is wrong with the others.

    Args:
        kind: The dataclass of a table.
        name: The name.
        values: The file.
    """
    tables = values.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
        return {}, [Remark(f"{name}: write tables [[{name}]].", f"{name}：请写成 [[{name}]] 表。")]
    found, faults = {}, []
    for number, table in enumerate(tables, 1):
        one, wrong = read(kind, table)
        faults += [numbered(name, number, fault.message) for fault in wrong]
        if one is not None:
            found[number] = one
    return found, faults


def numbered(name: str, number: int, fault: str) -> Remark:
    """Return a fault of one of many tables."""
    return Remark(f"{name} {number}: {fault}", f"第 {number} 个{CHINESE[name]}：{said_in('zh', fault)}")


def no_table(name: str) -> Remark:
    """Return what is said of a file without any."""
    return Remark(f"there is no table [[{name}]].", f"没有 [[{name}]] 表。")
