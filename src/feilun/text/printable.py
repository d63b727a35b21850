"""Text that is safe to show: a terminal obeys control characters, a page or a person is misled by hidden ones."""

from __future__ import annotations

import unicodedata


def printable(text: str) -> str:
    """Replace control and format characters, which a terminal would obey, by a mark."""
    return "".join("�" if unicodedata.category(character)[0] == "C" else character for character in text)
