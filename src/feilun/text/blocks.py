"""The shape in which a document of any kind is read: paragraphs and headings, each with its place."""

from __future__ import annotations

from typing import NamedTuple


class Block(NamedTuple):
    """A paragraph, or a heading, of a document.

    Args:
        text: Its words.
        level: 0 for a paragraph, 1 and more for a heading.
        place: Where it begins, such as `line 12` or `page 3`.
    """

    text: str
    level: int
    place: str
