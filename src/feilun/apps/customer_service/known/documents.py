"""Documents become passages: paragraphs under their headings, put together up to a length, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from feilun.apps.customer_service.known.entries import Passage, identity_of
from feilun.apps.customer_service.known.redacted import Keep
from feilun.core.errors import DataError
from feilun.core.remark import Remark
from feilun.monitoring.redaction import kept
from feilun.text.blocks import Block
from feilun.text.segment import HAN, sentences

LONGEST = {"zh": 240, "en": 600}
"""Characters of a passage: what a model of 128 tokens reads."""

FAR_TOO_LONG = 4
"""Passages that a sentence is as long as which is cut."""


def passages_of(blocks: Iterable[Block], document: str, keep: Keep = kept) -> list[Passage]:
    """Cut a document into passages; no passage reaches over a heading.

    Args:
        blocks: Its paragraphs and headings in order.
        document: Its name.
        keep: Replaces personal data.

    Returns:
        The passages, personal data replaced.

    Raises:
        DataError: If it holds no text.
    """
    found: list[Passage] = []
    for headings, pieces in _sections(blocks, keep):
        for place, text in _joined(pieces):
            clean = keep(text)
            if clean:
                found.append(Passage(identity_of(document, place, clean), document, headings, place, clean))
    if not found:
        raise DataError(
            Remark(f"{document} holds no text.", f"{document} 里没有文字。"),
            Remark(
                "A scanned document has pictures of text: give its text instead.",
                "扫描件里只有文字的图片：请提供其文本。",
            ),
        )
    return found


def _sections(blocks: Iterable[Block], keep: Keep) -> Iterator[tuple[tuple[str, ...], list[Block]]]:
    """Yield the paragraphs below each heading, with the headings above them."""
    above: list[tuple[int, str]] = []
    pieces: list[Block] = []
    for block in blocks:
        if not block.level:
            pieces.append(block)
            continue
        if pieces:
            yield tuple(text for _, text in above), pieces
        above = [(level, text) for level, text in above if level < block.level] + [(block.level, keep(block.text))]
        pieces = []
    if pieces:
        yield tuple(text for _, text in above), pieces


def _joined(pieces: Iterable[Block]) -> Iterator[tuple[str, str]]:
    """Yield places and texts: sentences of one or several paragraphs, no longer than a passage may be."""
    place, text = "", ""
    for piece in pieces:
        for sentence in (part for whole in sentences(piece.text) for part in _cut(whole)):
            longest = LONGEST["zh" if HAN.search(sentence) else "en"]
            if text and len(text) + len(sentence) > longest:
                yield place, text
                text = ""
            if not text:
                place = piece.place
            text = f"{text}\n{sentence}" if text else sentence
    if text:
        yield place, text


def _cut(sentence: str) -> Iterator[str]:
    """Yield a sentence; what is far too long to be one, such as a table that lost its lines, in pieces of a passage."""
    longest = LONGEST["zh" if HAN.search(sentence) else "en"]
    start, end = 0, len(sentence) if len(sentence) <= FAR_TOO_LONG * longest else longest
    while start < len(sentence):
        blank = sentence.rfind(" ", start + 1, end) if end < len(sentence) else -1
        stop = blank if blank > 0 else end
        yield sentence[start:stop].strip()
        start, end = stop, stop + longest
