"""Where a room is done, every error it makes is a remark, so that the command line can tell it in Chinese too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "feilun"

DONE = (
    "core", "text", "data", "models", "evaluation", "labelling", "training", "bundles", "compression", "monitoring",
    "knowledge", "storage", "serving", "apps/customer_service", "apps/public_opinion", "apps/recommendation",
    "apps/brokers", "workflow", "interfaces/cli",
)  # fmt: skip
"""Rooms, or files of them, in which no error is a plain string; add to it, take nothing away."""

FROM = {"MissingExtra": 2, "LossNotFinite": 2, "Fault": 1}
"""The first argument that is a sentence, where it is not the first."""

ENGLISH_ONLY = ("counted", "nearest")
"""Functions whose value reads as English in an f-string, whatever language stands around it."""


@cache
def error_classes() -> set[str]:
    """Return the names of all kinds of FeilunError, wherever they are defined, and of a setting's fault."""
    classes = [
        node for path in SOURCE.rglob("*.py") for node in ast.walk(parsed(path)) if isinstance(node, ast.ClassDef)
    ]
    names = {"FeilunError"}
    while more := {c.name for c in classes if {name_of(base) for base in c.bases} & names} - names:
        names |= more
    return names | {"Fault"}


@cache
def parsed(path: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(node: ast.expr) -> str:
    """Return the last part of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def files(room: str) -> list[Path]:
    """Return the files of a room, or the one file."""
    path = SOURCE / room
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Yield every call."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def plain(value: ast.expr, assigned: dict[str, list[ast.expr]]) -> bool:
    """Say whether an expression can be a string that was written without its Chinese."""
    match value:
        case ast.Constant():
            return isinstance(value.value, str) and value.value.strip() != ""
        case ast.JoinedStr():
            return True
        case ast.BinOp():
            return plain(value.left, assigned) or plain(value.right, assigned)
        case ast.IfExp():
            return plain(value.body, assigned) or plain(value.orelse, assigned)
        case ast.BoolOp(values=items) | ast.List(elts=items) | ast.Tuple(elts=items):
            return any(plain(item, assigned) for item in items)
        case ast.Name():
            return any(plain(item, {}) for item in assigned.get(value.id, []))
    return False


def assignments(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """Return what is assigned to each name of a file."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                found.setdefault(name_of(target), []).append(node.value)
    return found


def untold(tree: ast.Module, errors: set[str]) -> list[int]:
    """Return the lines in which an error is made of a plain string."""
    assigned = assignments(tree)
    return [
        call.lineno
        for call in calls(tree)
        if (name := name_of(call.func)) in errors
        for argument in [*call.args[FROM.get(name, 0) :], *(keyword.value for keyword in call.keywords)]
        if plain(argument, assigned)
    ]


def english_within_chinese(tree: ast.Module) -> list[int]:
    """Return the lines in which a remark's Chinese takes in a clause's English; it needs `said_in("zh", …)`."""
    return [
        node.lineno
        for call in calls(tree)
        if name_of(call.func) == "Remark" and len(call.args) == 2
        for node in ast.walk(call.args[1])
        if isinstance(node, ast.FormattedValue)
        and isinstance(node.value, ast.Call)
        and name_of(node.value.func) in ENGLISH_ONLY
    ]


@pytest.mark.parametrize("room", DONE)
def test_every_error_of_a_finished_room_is_told_in_both_languages(room: str) -> None:
    errors = error_classes()
    trees = {path: parsed(path) for path in files(room)}
    assert trees, f"there is no room {room}"
    english = [f"{path.relative_to(SOURCE)}:{line}" for path, tree in trees.items() for line in untold(tree, errors)]
    assert not english, f"write these as Remark(english, chinese): {english}"
    mixed = [
        f"{path.relative_to(SOURCE)}:{line}" for path, tree in trees.items() for line in english_within_chinese(tree)
    ]
    assert not mixed, f"English stands in the Chinese of these: {mixed}"


@pytest.mark.parametrize(
    ("source", "faulty"),
    [
        ('raise DataError("No rows.")', True),
        ('raise DataError(f"No {x}.", Remark("a", "甲"))', True),
        ('raise errors.DataError(Remark("a", "甲"), "Give " + x)', True),
        ('EXAMPLE = "Give rows."\nraise DataError(Remark("a", "甲"), EXAMPLE)', True),
        ('raise UsageError(Remark("a", "甲"), remedy="Give rows." if x else "")', True),
        ('faults.append(Fault("data.text", f"{x} is missing."))', True),
        ('raise DataError(Remark("a", "甲"), "")', False),
        ('raise MissingExtra("wandb", "wandb", Remark("tracking", "记录"))', False),
        ('raise ValueError("a programmer reads this")', False),
        ('Fault("data.text", Remark("a", "甲"))', False),
    ],
)
def test_a_plain_string_is_seen(source: str, faulty: bool) -> None:
    assert bool(untold(ast.parse(source), error_classes())) is faulty


def test_english_within_chinese_is_seen() -> None:
    assert english_within_chinese(ast.parse('Remark("a", f"没有 {x}。{nearest(x, names)}")'))
    assert not english_within_chinese(ast.parse("Remark('a', f'没有 {x}。{said_in(\"zh\", nearest(x, names))}')"))
