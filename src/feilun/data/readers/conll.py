"""CoNLL columns: a token and its tag on each line, blank lines between texts; read as texts with their spans."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feilun.core.errors import DataError
from feilun.core.remark import Remark
from feilun.core.spans import Span
from feilun.data.paths import shown
from feilun.data.readers.encodings import Encoding, facts, open_text
from feilun.data.readers.tables import frame_of, pieces

if TYPE_CHECKING:
    from polars import DataFrame

COLUMNS = ("text", "entities")
OUTSIDE = "O"
BEGINS, ALONE, GOES_ON, ENDS = "B", "SU", "IM", "EL"
"""Prefixes of tags in BIO, BIOES, BMES and BILOU."""

HAN = re.compile(r"[㐀-䶿一-鿿豈-﫿\U00020000-\U000323af\u3000-\u303f\uff01-\uff60]")
"""Chinese characters, rare ones among them, and the punctuation that stands between them."""
EXAMPLE = Remark(
    "Each line holds a token and, as its last column, a tag such as B-name, I-name or O.",
    "每行是一个词元，最后一列是它的标记，如 B-name、I-name 或 O。",
)


@dataclass(frozen=True)
class Conll:
    """A file of CoNLL columns.

    Args:
        path: The file.
        encoding: How its bytes are read.
    """

    path: Path
    encoding: Encoding

    @property
    def columns(self) -> tuple[str, ...]:
        """The text and its spans."""
        return COLUMNS

    def facts(self) -> dict[str, Any]:
        """Return how the file is read."""
        return {"kind": "conll", **facts(self.encoding)}

    def frames(self, columns: Sequence[str]) -> Iterator[DataFrame]:
        """Yield the texts in pieces, their spans as JSON."""
        rows = (dict(zip(COLUMNS, _row(tokens), strict=True)) for tokens in self.texts())
        for piece in pieces([row[name] for name in columns] for row in rows):
            yield frame_of(columns, piece)

    def texts(self) -> Iterator[list[tuple[str, str]]]:
        """Yield the tokens of each text with their tags.

        Raises:
            DataError: If a line has no tag; the line is named.
        """
        tokens: list[tuple[str, str]] = []
        with open_text(self.path, self.encoding) as file:
            for number, line in enumerate(file, 1):
                cells = line.strip("\ufeff \t\r\n").split()
                if cells and cells[0] != "-DOCSTART-":
                    tokens.append((cells[0], _checked(cells, number, self.path)))
                elif tokens:
                    yield tokens
                    tokens = []
        if tokens:
            yield tokens


def joined(tokens: Sequence[tuple[str, str]]) -> tuple[str, list[Span]]:
    """Join tokens to a text, with blanks between words but not beside Chinese characters.

    Args:
        tokens: Tokens with their tags.

    Returns:
        The text and its spans.
    """
    text, spans = "", list[Span]()
    goes_on = False
    for token, tag in tokens:
        text += " " if text and not HAN.match(text[-1]) and not HAN.match(token[0]) else ""
        start, (prefix, _, label) = len(text), tag.partition("-")
        text += token
        if tag == OUTSIDE:
            goes_on = False
        elif goes_on and prefix in GOES_ON + ENDS and spans[-1].label == label:
            spans[-1] = spans[-1]._replace(end=len(text))
            goes_on = prefix in GOES_ON
        else:  # in IOB1 a span may begin with I
            spans.append(Span(start, len(text), label))
            goes_on = prefix in BEGINS + GOES_ON
    return text, spans


def _row(tokens: Sequence[tuple[str, str]]) -> tuple[str, str]:
    text, spans = joined(tokens)
    return text, json.dumps([span._asdict() for span in spans], ensure_ascii=False)


def _checked(cells: Sequence[str], number: int, path: Path) -> str:
    tag = cells[-1]
    prefix, dash, label = tag.partition("-")
    valid = tag == OUTSIDE or (bool(dash) and bool(label) and prefix in {*BEGINS, *ALONE, *GOES_ON, *ENDS})
    if len(cells) < 2 or not valid:
        line = repr(" ".join(cells)[:60])
        untagged = Remark(
            f"{shown(path)}, line {number}: {line} has no tag.", f"{shown(path)} 第 {number} 行：{line} 没有标记。"
        )
        raise DataError(untagged, EXAMPLE)
    return tag
