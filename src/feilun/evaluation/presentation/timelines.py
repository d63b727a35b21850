"""Counts over time as pictures, alone or as pages of a PDF."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feilun.core.files import atomic_file
from feilun.evaluation.presentation.fonts import columns, drawable, families
from feilun.evaluation.presentation.plots import BLUE, DOTS_PER_INCH, GREY, ORANGE, entitle, legend, new_figure

COLOURS = (BLUE, ORANGE, GREY, "#3a8f5c", "#8b5fbf")
PAGE_INCHES = (8.27, 11.69)
PAGE_LINES, PAGE_COLUMNS = 58, 92


def timeline(
    title: str, seconds: Sequence[int], lines: Mapping[str, Sequence[float]], marks: Iterable[tuple[float, float]] = ()
) -> Any:
    """Draw counts over time.

    Args:
        title: What is shown.
        seconds: When each bucket begins, seconds since 1970.
        lines: Values of each line by its name.
        marks: Begin and end of what is to be shaded, seconds since 1970.

    Returns:
        A figure of matplotlib.

    Raises:
        MissingExtra: If matplotlib is not installed.
    """
    figure, axes = new_figure(8.0, 2.6)
    times = [datetime.fromtimestamp(one, UTC) for one in seconds]
    for colour, (name, values) in zip(COLOURS, lines.items(), strict=False):
        axes.plot(times, list(values), color=colour, linewidth=1.2, label=drawable(name))
    for begin, end in marks:
        axes.axvspan(datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(end, UTC), color=ORANGE, alpha=0.15)
    entitle(axes, drawable(title, widest=90), "", "")
    axes.tick_params(labelsize=8)
    axes.set_ylim(bottom=0)
    axes.yaxis.get_major_locator().set_params(integer=True)
    legend(axes)
    return figure


def bars(title: str, values: Mapping[str, float]) -> Any:
    """Draw named numbers as bars, the first on top.

    Args:
        title: What is shown.
        values: The numbers by name.

    Returns:
        A figure of matplotlib.
    """
    figure, axes = new_figure(8.0, max(1.6, 0.28 * len(values) + 0.7))
    names = [drawable(name, widest=40) for name in values]
    axes.barh(range(len(names)), list(values.values()), color=BLUE, height=0.7)
    axes.set_yticks(range(len(names)), names, fontfamily=list(families()), fontsize=8, parse_math=False)
    axes.invert_yaxis()
    axes.tick_params(labelsize=8)
    entitle(axes, drawable(title, widest=90), "", "")
    return figure


def png(figure: Any) -> bytes:
    """Return a figure as PNG."""
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return held.getvalue()


def write_pdf(path: Path, figures: Sequence[Any], text: str) -> None:
    """Write a PDF: pages of text, then a page for each figure.

    Args:
        path: The file.
        figures: Figures of matplotlib.
        text: What is to be read; long lines are broken.

    Raises:
        StorageError: If the file cannot be written.
    """
    from matplotlib.backends.backend_pdf import PdfPages

    wrapped = [part for line in text.splitlines() for part in _broken(line)]
    with atomic_file(path) as temporary, PdfPages(temporary, metadata={"CreationDate": None}) as pages:
        for start in range(0, len(wrapped), PAGE_LINES):
            page, axes = new_figure(*PAGE_INCHES)
            axes.set_axis_off()
            said = "\n".join(
                drawable(line, widest=PAGE_COLUMNS + 10) if line else "" for line in wrapped[start:][:PAGE_LINES]
            )
            axes.text(0, 1, said, va="top", fontfamily=list(families()), fontsize=9, linespacing=1.5, parse_math=False)
            pages.savefig(page)
        for figure in figures:
            pages.savefig(figure)


def _broken(line: str) -> list[str]:
    """Break a line where it is full; a Chinese character takes two columns."""
    if columns(line) == len(line):
        return textwrap.wrap(line, PAGE_COLUMNS) or [""]
    parts, part = [], ""
    for character in line:
        if columns(part + character) > PAGE_COLUMNS:
            parts.append(part)
            part = ""
        part += character
    return [*parts, part]
