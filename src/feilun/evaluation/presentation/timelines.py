"""Counts over time as pictures, alone or as pages of a PDF."""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feilun.core.files import atomic_file
from feilun.evaluation.presentation.fonts import columns, drawable, families
from feilun.evaluation.presentation.plots import BLUE, DOTS_PER_INCH, GREY, ORANGE, entitle, legend, new_figure

COLOURS = (BLUE, ORANGE, GREY, "#3a8f5c", "#8b5fbf")
PAGE_INCHES = (8.27, 11.69)
MARGIN = 0.6
"""Inches."""

PAGE_LINES, PAGE_COLUMNS = 58, 92
PRINTED_DOTS = 200
PIECES = re.compile(r"(?:[\u2e80-\uffef]|[^\s\u2e80-\uffef]+)[，。、：；！？）”]*\s*|\s+")
"""What a line is broken into: a Chinese character or a word, with what ends a clause and the blanks behind it."""


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


def image(figure: Any) -> str:
    """Return a figure as an element of HTML that needs nothing else, called by its title."""
    title = html.escape(figure.axes[0].get_title(loc="left"), quote=True)
    return f'<img alt="{title}" src="data:image/png;base64,{base64.b64encode(png(figure)).decode()}">'


def png(figure: Any) -> bytes:
    """Return a figure as PNG."""
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return held.getvalue()


def write_pdf(path: Path, figures: Sequence[Any], text: str) -> None:
    """Write a PDF of A4 pages: pages of text, then the figures below each other.

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
            pages.savefig(_text_page(wrapped[start:][:PAGE_LINES]))
        for page in _figure_pages(figures):
            pages.savefig(page)


def _page() -> Any:
    """Return an empty page."""
    page, axes = new_figure(*PAGE_INCHES)
    page.set_layout_engine("none")
    axes.remove()
    return page


def _text_page(lines: Sequence[str]) -> Any:
    page = _page()
    said = "\n".join(drawable(line, widest=PAGE_COLUMNS + 10) if line else "" for line in lines)
    width, height = PAGE_INCHES
    page.text(MARGIN / width, 1 - MARGIN / height, said, va="top", fontfamily=list(families()), fontsize=9,
              linespacing=1.5, parse_math=False)  # fmt: skip
    return page


def _figure_pages(figures: Sequence[Any]) -> Iterator[Any]:
    """Yield pages with figures as pictures, as many below each other as fit."""
    wide, high = (side - 2 * MARGIN for side in PAGE_INCHES)
    page, used = _page(), 0.0
    for figure in figures:
        width, height = figure.get_size_inches() * wide / figure.get_size_inches()[0]
        if used and used + height > high:
            yield page
            page, used = _page(), 0.0
        figure.set_dpi(PRINTED_DOTS)
        figure.canvas.draw()
        left, bottom = MARGIN / PAGE_INCHES[0], 1 - (MARGIN + used + height) / PAGE_INCHES[1]
        axes = page.add_axes((left, bottom, width / PAGE_INCHES[0], height / PAGE_INCHES[1]))
        axes.imshow(figure.canvas.buffer_rgba(), aspect="auto")
        axes.set_axis_off()
        used += height
    if used:
        yield page


def _broken(line: str) -> list[str]:
    """Break a line where it is full, at a blank or a Chinese character, which takes two columns."""
    parts, part = [], ""
    for piece in PIECES.findall(line):
        if part and columns(part + piece.rstrip()) > PAGE_COLUMNS:
            parts.append(part.rstrip())
            part = ""
        while columns(piece) > PAGE_COLUMNS:
            parts.append(piece[: PAGE_COLUMNS // 2])
            piece = piece[PAGE_COLUMNS // 2 :]
        part += piece
    return [*parts, part]
