"""Texts of any length as overlapping windows of tokens, with the characters that each token stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.spans import TokenLogits
from feilun.text.tokens import TokenEncoder

OVERLAP = 32
"""Tokens that two windows share, a quarter of a window at most; each window answers for half of them."""


@dataclass(frozen=True)
class Windows:
    """Texts cut into windows.

    Args:
        texts: The texts.
        rows: Token ids of each window, special tokens included.
        offsets: Characters of each window's tokens, shape (tokens, 2); equal ends on tokens that stand for none.
        kept: Which of its tokens each window answers for, shape (tokens,); every token of a text has one window.
        text_of: Which text each window is of.
    """

    texts: Sequence[str]
    rows: list[list[int]]
    offsets: list[NDArray[np.int64]]
    kept: list[NDArray[np.bool_]]
    text_of: list[int]

    @property
    def of_text(self) -> list[list[int]]:
        """Return the windows of each text, in their order."""
        found: list[list[int]] = [[] for _ in self.texts]
        for window, text in enumerate(self.text_of):
            found[text].append(window)
        return found

    def join(self, logits: Sequence[NDArray[np.float32]], width: int) -> list[TokenLogits]:
        """Put the windows of each text together again.

        Args:
            logits: Of each window, shape (tokens, width).
            width: Numbers a token.

        Returns:
            The numbers of each text's tokens.
        """
        empty = (np.empty((0, 2), np.int64), np.empty((0, width), np.float32))
        return [
            TokenLogits(
                text,
                np.concatenate([empty[0], *(self.offsets[i][self.kept[i]] for i in own)]),
                np.concatenate([empty[1], *(logits[i][self.kept[i]] for i in own)]),
            )
            for text, own in zip(self.texts, self.of_text, strict=True)
        ]


def windows(encoder: TokenEncoder, texts: Sequence[str]) -> Windows:
    """Cut texts into windows of at most `max_tokens` tokens.

    Args:
        encoder: The model's own.
        texts: The texts.

    Returns:
        Their windows; the first of a text is what `encoder.encode` gives.
    """
    tokenizer = encoder.tokenizer
    special = len(tokenizer.encode("").ids)
    content = encoder.max_tokens - special
    overlap = min(OVERLAP, content // 4)
    tokenizer.no_padding()
    tokenizer.enable_truncation(encoder.max_tokens, stride=overlap)
    found = Windows(texts, [], [], [], [])
    for number, encoding in enumerate(tokenizer.encode_batch([encoder.prefix + text for text in texts])):
        pieces = [encoding, *encoding.overflowing]
        for i, piece in enumerate(pieces):
            first = overlap // 2 if i else 0
            last = content - overlap + overlap // 2 if i < len(pieces) - 1 else content
            offsets = _offsets(piece, texts[number], len(encoder.prefix))
            place = np.cumsum(1 - np.array(piece.special_tokens_mask)) - 1  # among the tokens that are not special
            own = (offsets[:, 0] < offsets[:, 1]) & (first <= place) & (place < last)
            found.rows.append(piece.ids)
            found.offsets.append(offsets)
            found.kept.append(own)
            found.text_of.append(number)
    return found


def _offsets(piece: Any, text: str, prefix: int) -> NDArray[np.int64]:
    """Return the characters of each token without the prefix and without blanks at the token's start."""
    offsets = np.array(piece.offsets, dtype=np.int64).reshape(-1, 2) - prefix
    offsets[np.array(piece.special_tokens_mask, dtype=bool)] = 0
    offsets = offsets.clip(min=0)
    for token, (start, end) in enumerate(offsets.tolist()):
        while start < end and text[start].isspace():
            start += 1
        offsets[token, 0] = start
    return offsets
