"""Where a verb's words go: results to standard output, progress and remarks to standard error."""

from __future__ import annotations

import codecs
import json
import os
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, TextIO

from feilun.core.remark import Language, Remark, said_in

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from feilun.workflow.screen import Terminal


def print_json(value: Any) -> None:
    """Print one JSON object on one line."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def said(remark: str) -> str:
    """Return a remark in the language of the user's system."""
    return said_in(language(), remark)


def tell(*remarks: str) -> None:
    """Print remarks in the language of the user's system, a line each."""
    for remark in remarks:
        print(said(remark), flush=True)


def tell_error(message: str) -> None:
    """Print an error in the language of the user's system."""
    print(said(Remark("error: ", "错误：")) + said(message), file=sys.stderr, flush=True)


def table(*heads: str, title: str | None = None) -> Table:
    """Return a table without a box, its heads in the language of the user's system."""
    from rich.table import Table

    shown = None if title is None else said(title)
    return Table(*map(said, heads), title=shown, box=None, pad_edge=False)


def figure(value: float | None) -> str:
    """Return a metric as a table shows it."""
    return "" if value is None else f"{value:.3f}"


def result_console() -> Console:
    """Return the console for results: standard output, never narrower than a report needs."""
    return _console(sys.stdout)


def progress_console() -> Console:
    """Return the console for progress and remarks: standard error."""
    return _console(sys.stderr)


def _console(stream: TextIO) -> Console:
    """Return a console that prints words as they are: brackets and colons in a label or text are its own."""
    from rich.console import Console

    width = None if stream.isatty() else 120
    return Console(stderr=stream is sys.stderr, width=width, markup=False, emoji=False)


def language() -> Language:
    """Return the language of the user's system for report sentences: zh or en."""
    spoken = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "zh" if spoken.lower().startswith("zh") else "en"


def terminal() -> Terminal:
    """Return what shows a training: progress and reports on standard error, in the user's language."""
    from feilun.workflow.screen import Terminal

    return Terminal(progress_console(), language())


def make_safe() -> None:
    """Make the standard streams take any text: UTF-8 in pipes and files, escapes where a terminal lacks a character."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            keeps = stream.isatty() and not _is_ascii(stream)
            stream.reconfigure(encoding=stream.encoding if keeps else "utf-8", errors="backslashreplace")
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8" if _is_ascii(sys.stdin) else sys.stdin.encoding, errors="replace")


def _is_ascii(stream: TextIOWrapper) -> bool:
    return codecs.lookup(stream.encoding).name == "ascii"
