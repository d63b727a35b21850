"""Long texts cut where it hurts least, so that a model that reads so many tokens at once reads all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from feilun.core.corpus import Corpus
from feilun.text.segment import SENTENCE_END
from feilun.text.tokens import TokenEncoder

BLANK = re.compile(r"\s+")


def passages(corpus: Corpus, encoder: TokenEncoder) -> Corpus:
    """Cut every text that is too long into passages of similar length.

    Args:
        corpus: The rows; of a text of theirs every character stands in one of its passages.
        encoder: Says how long a text is, and how long it may be.

    Returns:
        Rows of texts alone; the passages of row 17 have the ids 17, 17.2, 17.3, …
    """
    ids: list[str] = []
    texts: list[str] = []
    for row, parts in zip(corpus.id, _fitting(corpus.text, encoder), strict=True):
        ids += [row, *(f"{row}.{number}" for number in range(2, len(parts) + 1))]
        texts += parts
    return Corpus(ids, texts)


def _fitting(texts: Sequence[str], encoder: TokenEncoder) -> list[list[str]]:
    """Return the passages of each text: it is halved until every part fits."""
    found: list[list[str]] = [[text] for text in texts]
    long = [row for row, count in enumerate(encoder.count(texts)) if count > encoder.max_tokens and len(texts[row]) > 1]
    if long:
        halves = [half for row in long for half in halved(texts[row])]
        parts = _fitting(halves, encoder)
        for number, row in enumerate(long):
            found[row] = parts[2 * number] + parts[2 * number + 1]
    return found


def halved(text: str) -> tuple[str, str]:
    """Cut a text of two characters or more: at the end of a sentence in its middle half, else at a blank, else midway.

    Returns:
        Two texts, neither empty, that are the text when put together.
    """
    middle, quarter = len(text) // 2, len(text) // 4
    for pattern in (SENTENCE_END, BLANK):
        ends = [found.end() for found in pattern.finditer(text, quarter, len(text) - quarter)]
        ends = [end for end in ends if 0 < end < len(text)]
        if ends:
            middle = min(ends, key=lambda end: abs(end - len(text) // 2))
            break
    return text[:middle], text[middle:]
