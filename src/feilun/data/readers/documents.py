"""Documents: Markdown, HTML, plain text, DOCX and PDF, read as paragraphs under their headings."""

from __future__ import annotations

import logging
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from unicodedata import east_asian_width

from feilun.core.errors import DataError, MissingExtra
from feilun.core.remark import Remark
from feilun.data.paths import readable_file, shown
from feilun.data.readers import encodings
from feilun.data.readers.archives import check_archive
from feilun.text.blocks import Block

HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*\s*$")
FENCE = re.compile(r"\s*(?:```|~~~)")
MARKS = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|[*_`]{1,3}([^*_`]+)[*_`]{1,3}")
ROW = re.compile(r"\s*\|(.*?)\|?\s*")
RULE = re.compile(r":?-+:?")
BULLET = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+")
SKIPPED = {"script", "style", "template", "noscript", "head"}
CELLS = {"td", "th"}
PARAGRAPHS = {"p", "li", "div", "section", "br", "tr", "dd", "dt", "blockquote", "pre", "article", "body"}


def read_document(path: Path) -> list[Block]:
    """Read a document.

    Args:
        path: A file whose ending is one of `READERS`.

    Returns:
        Its paragraphs and headings in order; empty where it holds no text.

    Raises:
        DataError: If it cannot be read: of another kind, damaged, encrypted.
        MissingExtra: If the library for its kind is not installed.
    """
    if path.is_file() and not path.stat().st_size:
        raise DataError(
            Remark(f"{shown(path)} is empty (0 bytes).", f"{shown(path)} 是空文件（0 字节）。"),
            Remark("Give its text, or take it out of the folder.", "请填入内容，或把它移出文件夹。"),
        )
    found = readable_file(str(path), tuple(READERS))
    reader = READERS.get(found.suffix.lower())
    if reader is None:
        raise DataError(
            Remark(
                f"{shown(found)} has the ending {found.suffix!r}, which is no document that Feilun reads.",
                f"{shown(found)} 的扩展名是 {found.suffix!r}，不是飞轮能读的文档。",
            ),
            Remark(f"Valid: {', '.join(READERS)}.", f"可用：{'、'.join(READERS)}。"),
        )
    return [block for block in reader(found) if block.text.strip()]


def documents_in(path: Path) -> list[Path]:
    """Return a document, or all documents of a folder and the folders in it, in order.

    Raises:
        DataError: If there is nothing of that name, or the folder holds none.
    """
    if not path.is_dir():
        return [readable_file(str(path), tuple(READERS))]
    found = sorted(file for file in path.rglob("*") if file.suffix.lower() in READERS and file.is_file())
    if not found:
        raise DataError(
            Remark(f"The folder {shown(path)} holds no document.", f"文件夹 {shown(path)} 中没有文档。"),
            Remark(f"Documents end in {', '.join(READERS)}.", f"文档的扩展名：{'、'.join(READERS)}。"),
        )
    return found


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with encodings.open_text(path, encodings.detect(path)) as file:
        for number, line in enumerate(file, 1):
            yield number, line.rstrip("\r\n")


def _plain(path: Path) -> Iterator[Block]:
    yield from _paragraphs(_lines(path))


def _markdown(path: Path) -> Iterator[Block]:
    waiting: list[tuple[int, str]] = []
    fenced = False
    for number, line in _lines(path):
        fenced ^= bool(FENCE.match(line))
        heading = None if fenced else HEADING.match(line)
        if heading is None:
            bullet = BULLET.match(line)
            row = None if fenced else ROW.fullmatch(line)
            if row is not None:
                cells = [cell.strip() for cell in row[1].split("|")]
                text = "" if all(map(RULE.fullmatch, cells)) else _unmarked(" ".join(cells))
                waiting += [(number, ""), (number, text), (number, "")]  # a row is a paragraph of its own
                continue
            if bullet:
                waiting.append((number, ""))  # an item is one too
            waiting.append((number, "" if FENCE.match(line) else _unmarked(line[bullet.end() :] if bullet else line)))
            continue
        yield from _paragraphs(waiting)
        waiting = []
        yield Block(_unmarked(heading[2]), len(heading[1]), f"line {number}")
    yield from _paragraphs(waiting)


def _unmarked(line: str) -> str:
    return MARKS.sub(lambda found: found[1] if found[1] is not None else found[2], line)


def _paragraphs(lines: Iterator[tuple[int, str]] | list[tuple[int, str]]) -> Iterator[Block]:
    """Join the lines between empty ones."""
    start, parts = 0, list[str]()
    for number, line in [*lines, (0, "")]:
        if line.strip():
            start = start if parts else number
            parts.append(line.strip())
        elif parts:
            yield Block("".join(_spaced(parts)), 0, f"line {start}")
            parts = []


def _spaced(lines: list[str]) -> Iterator[str]:
    """Yield lines with a blank between two, but for those that end or begin with a wide character, as Chinese has."""
    yield lines[0]
    for before, line in pairwise(lines):
        if not {east_asian_width(before[-1]), east_asian_width(line[0])} & {"W", "F"}:
            yield " "
        yield line


class _Page(HTMLParser):
    """Collects the headings and paragraphs of a page; what is not shown is left out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._parts: list[str] = []
        self._line = 1
        self._level = 0
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SKIPPED:
            self._hidden += 1
        elif re.fullmatch("h[1-6]", tag):
            self.end()
            self._level = int(tag[1])
        elif tag in PARAGRAPHS:
            self.end()
        elif tag in CELLS and self._parts:
            self._parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in SKIPPED:
            self._hidden = max(0, self._hidden - 1)
        elif tag in PARAGRAPHS or re.fullmatch("h[1-6]", tag):
            self.end()

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self._line = self._line if self._parts else self.getpos()[0]
            self._parts.append(data)

    def end(self) -> None:
        text = " ".join("".join(self._parts).split())
        if text:
            self.blocks.append(Block(text, self._level, f"line {self._line}"))
        self._parts, self._level = [], 0


def _html(path: Path) -> Iterator[Block]:
    page = _Page()
    page.feed("\n".join(line for _, line in _lines(path)))
    page.close()
    page.end()
    yield from page.blocks


def _docx(path: Path) -> Iterator[Block]:
    try:
        import docx
        from docx.opc.exceptions import PackageNotFoundError
        from docx.table import Table
    except ImportError as error:
        raise MissingExtra("python-docx", "customer-service", Remark("Reading DOCX", "读取 DOCX ")) from error
    check_archive(path)
    try:
        parts = list(docx.Document(str(path)).iter_inner_content())
    except (PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError, SyntaxError) as error:
        raise _damaged(path, "DOCX", error) from error
    for number, part in enumerate(parts, 1):
        place = f"paragraph {number}"
        if isinstance(part, Table):
            for row in part.rows:
                yield Block(" ".join(dict.fromkeys(cell.text.strip() for cell in row.cells)), 0, place)
            continue
        heading = re.fullmatch(r"(?:Heading|标题) ?(\d)", part.style.name if part.style is not None else "")
        level = 1 if part.style is not None and part.style.name == "Title" else int(heading[1]) if heading else 0
        yield Block(part.text.strip(), level, place)


def _pdf(path: Path) -> Iterator[Block]:
    try:
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError
    except ImportError as error:
        raise MissingExtra("pypdf", "customer-service", Remark("Reading PDF", "读取 PDF ")) from error
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what it meets is told by the error that follows
    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise DataError(
                Remark(f"{shown(path)} is encrypted.", f"{shown(path)} 已加密。"),
                Remark("Save it without a password, and import it again.", "请另存为不带密码的文件，再重新导入。"),
            )
        for number, page in enumerate(reader.pages, 1):
            text = page.extract_text()
            yield from (
                block._replace(place=f"page {number}") for block in _paragraphs(list(enumerate(text.split("\n"))))
            )
    except DataError:
        raise
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise _damaged(path, "PDF", error) from error  # pypdf meets damage in any of these ways


def _damaged(path: Path, kind: str, error: Exception) -> DataError:
    reason = " ".join(str(error).split())[:200]
    return DataError(
        Remark(
            f"{shown(path)} cannot be read as {kind} ({reason}).", f"{shown(path)} 无法作为 {kind} 读取（{reason}）。"
        ),
        Remark("It may be damaged: save it again.", "文件可能已损坏：请重新保存。"),
    )


READERS: Mapping[str, Callable[[Path], Iterator[Block]]] = {
    ".md": _markdown,
    ".markdown": _markdown,
    ".html": _html,
    ".htm": _html,
    ".txt": _plain,
    ".docx": _docx,
    ".pdf": _pdf,
}
"""How a document is read, by its ending."""
