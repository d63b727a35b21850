"""A recipe's file: its text, where the paths in it lead, and the line on which each fault stands.

Files of other settings are read by the same functions.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

from feilun.core import toml
from feilun.core.errors import RecipeError, UsageError
from feilun.core.places import typed
from feilun.core.remark import Remark, joined, said_in
from feilun.core.settings import Fault
from feilun.workflow.settings_files.toml_text import lines_of_keys

PATHS = ("data.train", "data.validation", "data.test", "data.unlabelled", "model.base")
"""Keys that may hold a path relative to the recipe's folder."""

TABLES = (".csv", ".tsv", ".jsonl", ".parquet", ".xlsx", ".xls")


def read_text(path: Path) -> str:
    """Return a recipe's text.

    Raises:
        UsageError: If there is no such file, or it is a table.
        RecipeError: If it is not UTF-8.
    """
    if path.suffix.lower() in TABLES:
        raise UsageError(
            Remark(
                f"{str(path)!r} is a table by its ending, not a recipe.", f"看扩展名，{str(path)!r} 是表格，不是配方。"
            ),
            Remark(
                f"`feilun init --data {typed(path)}` looks at it and writes a recipe.",
                f"`feilun init --data {typed(path)}` 会看过它之后写出配方。",
            ),
        )
    if not path.is_file():
        folder = Remark("a folder, not a recipe", "是一个文件夹，不是配方")
        kind = folder if path.is_dir() else Remark("not there", "不存在")
        raise UsageError(
            Remark(f"The recipe {str(path)!r} is {kind}.", f"配方 {str(path)!r} {said_in('zh', kind)}。"),
            Remark(
                "It is a TOML file; for a training `feilun init --data FILE` writes one after looking at the data.",
                "配方是 TOML 文件；要训练的话，`feilun init --data FILE` 会看过数据之后写出一个。",
            ),
        )
    return decoded(path)


def decoded(path: Path) -> str:
    """Return the text of a file of settings that is there.

    Raises:
        RecipeError: If it is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        not_utf8 = Remark(
            f"line {line}: not UTF-8. Save the file in the encoding UTF-8.",
            f"第 {line} 行：不是 UTF-8。请把文件存为 UTF-8 编码。",
        )
        raise RecipeError([not_utf8], str(path)) from error


def parse(text: str, path: Path) -> dict[str, Any]:
    """Return what the text says.

    Raises:
        RecipeError: If it is no TOML; the line is named.
    """
    try:
        return toml.parse(text)
    except toml.TooMuch as error:
        raise RecipeError([Remark(f"{error}.", f"{said_in('zh', error.args[0])}。")], str(path)) from error
    except tomllib.TOMLDecodeError as error:
        raise RecipeError([_syntax_fault(str(error), text)], str(path)) from error


def _syntax_fault(message: str, text: str) -> str:
    """Say where TOML's grammar is broken, with the line itself and the commonest remedy."""
    found = re.search(r" \(at line (\d+), column (\d+)\)", message)
    lines = text.split("\n")
    if found is None:  # tomllib says "at end of document"
        return Remark(f"line {len(lines)}: {message}.", f"第 {len(lines)} 行：{message}。")
    number, column = int(found[1]), int(found[2])
    line = lines[number - 1].strip()
    remedy = ""
    if re.search("[“”‘’＝，：]", line):
        remedy = Remark(
            " It has Chinese or typographic punctuation: write straight quotes and the plain = and , instead.",
            "这一行有中文标点或弯引号：请改用英文的直引号、= 和 ,。",
        )
    elif not line.partition("=")[0].isascii():
        remedy = Remark(
            " Keys and tables have English names (docs/recipe.md); Chinese stands in straight quotes, behind the =.",
            "键和表都用英文名（见 docs/recipe.md）；中文写在 = 后面的英文直引号里。",
        )
    elif "{" in line and "}" not in line:
        remedy = Remark(
            " A table in braces must end on its line; a table over several lines has a [header].",
            "花括号里的表必须在同一行结束；占多行的表要用 [表头]。",
        )
    elif "Invalid value" in message:
        remedy = Remark(' Text stands in straight quotes: key = "value".', '文字要放在英文直引号里：key = "value"。')
    said = message[: found.start()]
    return Remark(
        f"line {number}, column {column}: {said}: {line!r}.{remedy}",
        f"第 {number} 行，第 {column} 列：{said}：{line!r}。{said_in('zh', remedy)}",
    )


def resolve(values: dict[str, Any], folder: Path) -> None:
    """Make relative paths absolute; URLs, hub ids and packaged names stay."""
    for key in PATHS:
        room, name = key.split(".")
        inner = values.get(room)
        value = inner.get(name) if isinstance(inner, dict) else None
        if isinstance(value, str) and value and "://" not in value and (room == "data" or value.startswith(".")):
            values[room] = {**values[room], name: os.path.normpath(folder / value)}
    training = values.get("training")
    distil = training.get("distil") if isinstance(training, dict) else None
    teachers = distil.get("teachers") if isinstance(distil, dict) else None
    if isinstance(training, dict) and isinstance(distil, dict) and isinstance(teachers, list):
        places = [os.path.normpath(folder / t) if isinstance(t, str) and t.startswith(".") else t for t in teachers]
        values["training"] = {**training, "distil": {**distil, "teachers": places}}
    tasks = values.get("tasks")
    for task, own in tasks.items() if isinstance(tasks, dict) else ():
        if isinstance(own, dict):
            inner = dict(own)
            resolve(inner, folder)
            values["tasks"] = {**values["tasks"], task: inner}


def placed(faults: Iterable[Fault], text: str, overridden: set[str]) -> list[str]:
    """Say what is wrong with the settings of a file, in the order of its lines.

    Args:
        faults: What is wrong.
        text: The file.
        overridden: Keys that options replaced.
    """
    lines = lines_of_keys(text)
    return [said for _, said in sorted((_place(fault, lines, overridden) for fault in faults), key=itemgetter(0))]


def _place(fault: Fault, lines: Mapping[str, int], overridden: set[str]) -> tuple[int, str]:
    """Find the fault's line (0 where it has none) and put it, or the option that brought it, before its message."""
    if any(fault.key == key or fault.key.startswith(f"{key}.") for key in overridden):
        return 0, joined([f"--set {fault.key}", fault.message], ": ", "：")
    brought = next((key for key in overridden if key.startswith(f"{fault.key}.")), None)
    if brought and fault.key not in lines:
        return 0, joined([f"--set {brought}", fault.message], ": ", "：")
    words: list[str] = re.findall(r"\w+(?:\.\w+)*", fault.message)
    # a contradiction belongs to a whole table: the first key that it speaks of gives the line
    key = next((word for word in words if word in lines and word.startswith(fault.key)), fault.key)
    while key and key not in lines:
        key = key.rpartition(".")[0]
    if not key:
        return 0, fault.message
    line = Remark(f"line {lines[key]}", f"第 {lines[key]} 行")
    return lines[key], joined([line, fault.message], ": ", "：")
