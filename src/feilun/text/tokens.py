"""Texts to token ids, and batches of similar length: the same code before training and in the service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer


@dataclass(frozen=True)
class TokenEncoder:
    """Turns texts into token ids as one model wants them.

    Args:
        tokenizer: A `tokenizers` tokenizer; its own truncation and padding are switched off.
        max_tokens: Longest sequence, special tokens included; longer ones are cut at the end.
        prefix: Put before every text (e5 models want `query: `).
        pair_prefix: Put before every second text, where the two are read apart (e5 models want `passage: `); None where
            they are read together.
    """

    tokenizer: Tokenizer
    max_tokens: int
    prefix: str = ""
    pair_prefix: str | None = None

    def encode(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> list[list[int]]:
        """Return the token ids of each text (or pair of texts), special tokens included, at most `max_tokens` long."""
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(self.max_tokens)
        prefixed = [self.prefix + text for text in texts] if self.prefix else list(texts)
        rows = prefixed if pairs is None else list(zip(prefixed, pairs, strict=True))
        return [encoding.ids for encoding in self.tokenizer.encode_batch_fast(rows)]

    def encodings(self, texts: Sequence[str]) -> list[Encoding]:
        """Return what `encode` does of single texts, with the characters that each token stands for, prefix counted."""
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(self.max_tokens)
        return list(self.tokenizer.encode_batch([self.prefix + text for text in texts]))

    def encode_second(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of second texts that are read apart from the first ones."""
        return self.of_second_texts.encode(texts)

    @property
    def of_second_texts(self) -> TokenEncoder:
        """Return what encodes second texts alone."""
        return TokenEncoder(self.tokenizer, self.max_tokens, self.pair_prefix or "")

    def count(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> NDArray[np.int64]:
        """Return the number of tokens of each text before cutting, shape (rows,); of two read apart, the longer's."""
        if pairs is not None and self.pair_prefix is not None:
            return np.maximum(self.count(texts), self.of_second_texts.count(pairs))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        prefixed = [self.prefix + text for text in texts] if self.prefix else list(texts)
        rows = prefixed if pairs is None else list(zip(prefixed, pairs, strict=True))
        encodings = self.tokenizer.encode_batch_fast(rows)
        return np.fromiter((len(encoding.ids) for encoding in encodings), dtype=np.int64, count=len(rows))


def batches_by_length(lengths: Sequence[int], batch_tokens: int, batch_rows: int = 1024) -> list[list[int]]:
    """Group rows of similar length so that each batch, padded, holds at most `batch_tokens` tokens.

    Args:
        lengths: Tokens of each row.
        batch_tokens: Largest rows × longest row of a batch; a single longer row makes a batch of its own.
        batch_rows: Largest number of rows of a batch.

    Returns:
        Row indices by batch, longest rows first, so that memory peaks at the start.
    """
    batches: list[list[int]] = []
    for row in np.argsort(-np.asarray(lengths), kind="stable").tolist():
        fits = bool(batches) and len(batches[-1]) < batch_rows
        if fits and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= batch_tokens:
            batches[-1].append(row)
        else:
            batches.append([row])
    return batches


def pad(rows: Sequence[Sequence[int]], pad_id: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pad rows on the right to the longest.

    Args:
        rows: Token ids.
        pad_id: Id of the padding token.

    Returns:
        Token ids and attention mask, both of shape (rows, longest).
    """
    width = max(map(len, rows), default=0)
    ids = np.full((len(rows), width), pad_id, dtype=np.int64)
    mask = np.zeros((len(rows), width), dtype=np.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
        mask[i, : len(row)] = 1
    return ids, mask
