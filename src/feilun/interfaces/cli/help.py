"""The help of every verb, in the language of the user's system.

A verb's docstring holds both languages: its Chinese begins at the first line that begins in Chinese.
"""

from __future__ import annotations

import inspect
import re
import shutil
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Any, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from feilun.core.remark import Remark
from feilun.interfaces.cli.output import language, said

WIDEST = 80
NAMES_WIDEST = 30

USAGE = Remark("Usage: ", "用法：")
ARGUMENTS, OPTIONS = Remark("Arguments:", "参数："), Remark("Options:", "选项：")
COMMANDS, EXAMPLES = Remark("Commands:", "命令："), Remark("Examples:", "示例：")
EXAMPLE = "Example: "

CLICK_ZH = {
    "[OPTIONS]": "[选项]", "COMMAND [ARGS]...": "命令 [参数]...", "Show this message and exit.": "显示这份帮助并退出。",
    "default: ": "默认：", "required": "必填", "env var: ": "环境变量：", "(all)": "全部",
}  # fmt: skip
"""What typer itself says on a page of help, in Chinese."""

PIECES = re.compile(r"\[[^\[\]]{1,40}\]\s*|[（“《]*(?:[^\s\u2e80-\uffef]+|[\u2e80-\uffef])[，。；：、）》”？！]*\s*")
"""What a line is never broken within: what stands in brackets, a word, or a Chinese character with its punctuation."""


class Command(TyperCommand):
    """A verb."""

    def get_help(self, ctx: typer.Context) -> str:  # type: ignore[override]
        """Return the page of help."""
        return page(self, ctx)


class Group(TyperGroup):
    """A verb with verbs below it."""

    def get_help(self, ctx: typer.Context) -> str:  # type: ignore[override]
        """Return the page of help."""
        return page(self, ctx)


class Verbs(typer.Typer):
    """What verbs are registered at: `typer.Typer` with our pages of help."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(cls=Group, rich_markup_mode=None, add_completion=False, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        """Register a function as a verb."""
        return super().command(name, cls=Command, **settings)


def option(english: str, chinese: str, *names: str, **settings: Any) -> Any:
    """Return `typer.Option` with its help in both languages."""
    return typer.Option(*names, help=Remark(english, chinese), **settings)


def argument(english: str, chinese: str, **settings: Any) -> Any:
    """Return `typer.Argument` with its help in both languages."""
    return typer.Argument(help=Remark(english, chinese), **settings)


def page(command: Any, context: typer.Context) -> str:
    """Return the help of a verb, in the language of the user's system, no wider than 80 columns."""
    width = max(40, min(WIDEST, shutil.get_terminal_size().columns))
    parts = [usage(context)]
    parts += ["\n".join(_wrapped(part, width, "  ")) for part in said(in_both(command.help or "")).split("\n\n")]
    told = remarks_of(command.callback)
    records = [(param.param_type_name, _record(param, told, context)) for param in command.get_params(context)]
    for kind, heading in (("argument", ARGUMENTS), ("option", OPTIONS)):
        parts += _section(heading, [row for name, row in records if name == kind and row], width)
    below = getattr(command, "commands", {})
    shown = [(name, one_line(verb.help or "")) for name, verb in below.items() if not verb.hidden]
    parts += _section(COMMANDS, shown, width)
    if command.epilog:
        examples = [part.removeprefix(EXAMPLE) for part in command.epilog.split("\n\n")]
        parts.append("\n".join([said(EXAMPLES), *(f"  {example}" for example in examples)]))
    return "\n\n".join(parts)


def usage(context: typer.Context) -> str:
    """Return the line that says how a verb is called."""
    pieces = context.command.collect_usage_pieces(context)
    return said(USAGE) + " ".join([context.command_path, *(_of_click(piece) for piece in pieces)])


def in_both(docstring: str) -> Remark:
    """Return what a verb's docstring says; without a Chinese half it stays English."""
    lines = inspect.cleandoc(docstring).splitlines()
    at = next((number for number, line in enumerate(lines) if _is_wide(line[:1])), len(lines))
    english, chinese = "\n".join(lines[:at]).strip(), "\n".join(lines[at:]).strip()
    return Remark(english, chinese or english)


def one_line(docstring: str) -> str:
    """Return the first paragraph of a verb's help, in the language of the user's system."""
    return _in_one_line(said(in_both(docstring)).partition("\n\n")[0])


def remarks_of(callback: Callable[..., Any] | None) -> dict[str, str]:
    """Return the help of a verb's arguments and options, by their names in the source."""
    hints = get_type_hints(inspect.unwrap(callback), include_extras=True) if callback else {}
    return {
        name: declared.help for name, hint in hints.items() for declared in getattr(hint, "__metadata__", ())[:1]
    }  # fmt: skip


def _record(param: Any, told: dict[str, str], context: typer.Context) -> tuple[str, str] | None:
    """Return an argument's or option's name and help; typer puts what it adds into brackets after our words."""
    record = param.get_help_record(context)
    if record is None:
        return None
    name, english = record
    added = english.removeprefix(param.help or "").strip()
    own = said(told.get(param.name) or _of_click(param.help or ""))
    return name, f"{own}  {_of_click(added)}".strip()


def _of_click(words: str) -> str:
    """Return what typer says in the language of the user's system."""
    if language() == "zh":
        for english, chinese in CLICK_ZH.items():
            words = words.replace(english, chinese)
    return words


def _section(heading: Remark, rows: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    """Yield a table of names and what they mean, under its heading; nothing without rows."""
    rows = list(rows)
    if not rows:
        return
    first = min(NAMES_WIDEST, max(_columns(name) for name, _ in rows)) + 4
    lines = [said(heading)]
    for name, meaning in rows:
        right = _wrapped(meaning, width, " " * first)
        fits = _columns(name) <= first - 4
        lines += [f"  {name}".ljust(first) + right[0].lstrip(), *right[1:]] if fits else [f"  {name}", *right]
    yield "\n".join(lines)


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    """Break a paragraph into lines; a Chinese character takes two columns, and a line may end after any."""
    lines = [indent]
    for piece in PIECES.findall(_in_one_line(text)):
        if _columns(lines[-1]) + _columns(piece.rstrip()) > width and lines[-1] != indent:
            lines.append(indent)
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def _in_one_line(paragraph: str) -> str:
    return re.sub(r"(?<=[\u2e80-\uffef])\n(?=[\u2e80-\uffef])", "", paragraph).replace("\n", " ")


def _columns(text: str) -> int:
    return sum(2 if _is_wide(character) else 1 for character in text)


def _is_wide(character: str) -> bool:
    return character != "" and unicodedata.east_asian_width(character) in "WF"
