"""A recipe's file: its text, where the paths in it lead, and the line on which each fault stands."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from feilun.core import toml
from feilun.core.errors import RecipeError, UsageError
from feilun.core.settings import Fault

PATHS = ("data.train", "data.validation", "data.test", "data.unlabelled", "model.base")
"""Keys that may hold a path relative to the recipe's folder."""


def read_text(path: Path) -> str:
    """Return a recipe's text.

    Raises:
        UsageError: If there is no such file.
        RecipeError: If it is not UTF-8.
    """
    if not path.is_file():
        kind = "a folder, not a recipe" if path.is_dir() else "not there"
        raise UsageError(
            f"The recipe {str(path)!r} is {kind}.",
            "It is a TOML file; for a training `feilun init --data FILE` writes one after looking at the data.",
        )
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise RecipeError([f"line {line}: not UTF-8. Save the file in the encoding UTF-8."], str(path)) from error


def parse(text: str, path: Path) -> dict[str, Any]:
    """Return what the text says.

    Raises:
        RecipeError: If it is no TOML; the line is named.
    """
    try:
        return toml.parse(text)
    except toml.TooMuch as error:
        raise RecipeError([f"{error}."], str(path)) from error
    except tomllib.TOMLDecodeError as error:
        raise RecipeError([_syntax_fault(str(error), text)], str(path)) from error


def _syntax_fault(message: str, text: str) -> str:
    """Say where TOML's grammar is broken, with the line itself and the commonest remedy."""
    found = re.search(r" \(at line (\d+), column (\d+)\)", message)
    lines = text.split("\n")
    if found is None:  # tomllib says "at end of document"
        return f"line {len(lines)}: {message}."
    number, column = int(found[1]), int(found[2])
    line = lines[number - 1].strip()
    remedy = ""
    if re.search("[“”‘’＝，：]", line):
        remedy = " It has Chinese or typographic punctuation: write straight quotes and the plain = and , instead."
    elif "{" in line and "}" not in line:
        remedy = " A table in braces must end on its line; a table over several lines has a [header]."
    elif "Invalid value" in message:
        remedy = ' Text stands in straight quotes: key = "value".'
    return f"line {number}, column {column}: {message[: found.start()]}: {line!r}.{remedy}"


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


def place(fault: Fault, lines: Mapping[str, int], overridden: set[str]) -> tuple[int, str]:
    """Find the fault's line (0 where it has none) and put it, or the option that brought it, before its message."""
    if any(fault.key == key or fault.key.startswith(f"{key}.") for key in overridden):
        return 0, f"--set {fault.key}: {fault.message}"
    brought = next((key for key in overridden if key.startswith(f"{fault.key}.")), None)
    if brought and fault.key not in lines:
        return 0, f"--set {brought}: {fault.message}"
    words: list[str] = re.findall(r"\w+(?:\.\w+)*", fault.message)
    # a contradiction belongs to a whole table: the first key that it speaks of gives the line
    key = next((word for word in words if word in lines and word.startswith(fault.key)), fault.key)
    while key and key not in lines:
        key = key.rpartition(".")[0]
    return (lines[key], f"line {lines[key]}: {fault.message}") if key else (0, fault.message)
