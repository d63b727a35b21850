"""Which tokens of a passage are hidden, and what stands in their place: a function of seed, step and row alone.

Masked language modelling as BERT was trained (Devlin et al. 2019, section 3.1), but a word is hidden as a whole, also
a Chinese one (Cui et al. 2021, "Pre-Training with Whole Word Masking for Chinese BERT").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from feilun.core.errors import BaseModelError
from feilun.core.remark import Remark
from feilun.core.settings import setting
from feilun.text.segment import word_numbers
from feilun.text.tokens import TokenEncoder

MASKS = ("[MASK]", "<mask>")
"""What tokenizers call the token that stands for a hidden one."""

NEVER = -1
"""Stands for the word of a token that is never hidden: special tokens, and what the base wants before every text."""

CHUNK = 4096
"""Texts whose encodings, kilobytes each, are there at once."""

REPLACED, CHANGED = 0.8, 0.1
"""Shares of the hidden tokens that the mask stands for, and that a token drawn by chance stands for; others stay."""


@dataclass(frozen=True)
class MaskSettings:
    """The table `[masking]`."""

    share: float = setting(0.15, "share of the tokens that are hidden and have to be foretold", above=0, below=1)
    whole_words: bool = setting(True, "hide all pieces of a word together, Chinese words too")


@dataclass(frozen=True)
class Passage:
    """A passage as token ids, and the word that each token belongs to.

    Args:
        ids: Token ids, special tokens included.
        words: Number of each token's word, shape (tokens,); `NEVER` for those that are never hidden.
    """

    ids: list[int]
    words: NDArray[np.int32]


@dataclass(frozen=True)
class Masking:
    """Hides tokens.

    Args:
        settings: How many, and whether by whole words.
        mask_id: Id of the token that stands for a hidden one.
        vocabulary: Number of token ids, of which some are drawn by chance.
        seed: Seeds every choice.
    """

    settings: MaskSettings
    mask_id: int
    vocabulary: int
    seed: int

    def hide(self, passage: Passage, row: int, step: int | None) -> tuple[list[int], NDArray[np.int64]]:
        """Hide some tokens of a passage.

        Args:
            passage: The passage.
            row: Its number among the rows.
            step: Optimiser steps done; None where the rows are looked at, whose masks are always the same.

        Returns:
            Token ids as the model is to read them, and the places of those it has to foretell, ascending.
        """
        random = np.random.default_rng([self.seed, step is not None, step or 0, row])
        places = self._places(passage.words, random)
        ids = np.array(passage.ids)
        fate = random.random(len(places))
        ids[places[fate < REPLACED]] = self.mask_id
        changed = places[(fate >= REPLACED) & (fate < REPLACED + CHANGED)]
        ids[changed] = random.integers(self.vocabulary, size=len(changed))
        return ids.tolist(), places

    def _places(self, words: NDArray[np.int32], random: np.random.Generator) -> NDArray[np.int64]:
        """Draw words until they hold the wanted share of the tokens; at least one, where there is any."""
        free = np.flatnonzero(words != NEVER)
        if not len(free):
            return free
        units = words[free] if self.settings.whole_words else np.arange(len(free))
        _, unit_of, sizes = np.unique(units, return_inverse=True, return_counts=True)
        order = random.permutation(len(sizes))
        wanted = max(1, round(self.settings.share * len(free)))
        count = int(np.searchsorted(np.cumsum(sizes[order]), wanted)) + 1
        return free[np.isin(unit_of, order[:count])]


def mask_id(tokenizer: Tokenizer, name: str) -> int:
    """Return the id of the token that stands for a hidden one.

    Args:
        tokenizer: The base's tokenizer.
        name: The base's name, for the message.

    Raises:
        BaseModelError: If the tokenizer has none.
    """
    found = next((token for token in map(tokenizer.token_to_id, MASKS) if token is not None), None)
    if found is None:
        raise BaseModelError(
            Remark(
                f"The base {name} cannot be pretrained: its tokenizer has no token that stands for a hidden word, "
                "such as "
                f"{' or '.join(MASKS)}.",
                f"基座 {name} 不能继续预训练：它的分词器没有表示被遮盖词的词元，如 {' 或 '.join(MASKS)}。",
            ),
            Remark(
                "Choose another encoder: BERT, RoBERTa, XLM-R and their kin have one; so do the packaged ones.",
                "请选择另一个编码器：BERT、RoBERTa、XLM-R 及同类都有，打包的编码器也有。",
            ),
        )
    return int(found)


def passages_of(texts: Sequence[str], encoder: TokenEncoder) -> list[Passage]:
    """Turn texts into passages.

    Args:
        texts: The texts; what is longer than the encoder reads is cut.
        encoder: Tokenizer, prefix and longest sequence.
    """
    before = encoder.encode([""])[0]
    chunks = (texts[start : start + CHUNK] for start in range(0, len(texts), CHUNK))
    return [
        _passage(encoding, encoder.prefix + text, before)
        for chunk in chunks
        for encoding, text in zip(encoder.encodings(chunk), chunk, strict=True)
    ]


def _passage(encoding: Encoding, text: str, before: Sequence[int]) -> Passage:
    """Number the words of a text that was cut into tokens; `before` are the ids of what the base wants before it."""
    numbers = np.append(word_numbers(text), NEVER)  # an empty text has tokens too
    starts = np.array([start for start, _ in encoding.offsets])
    words = np.where(encoding.special_tokens_mask, NEVER, numbers[starts])
    words[: _equal_at_start(encoding.ids, before)] = NEVER
    return Passage(encoding.ids, words.astype(np.int32))


def _equal_at_start(ids: Sequence[int], others: Sequence[int]) -> int:
    """Return how many ids at the start are equal."""
    pairs = zip(ids, others, strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(ids), len(others)))
