"""Misspelt words, read as the word of some texts that was probably meant.

English: one letter that is wrong, missing, too much, or exchanged with its neighbour (Damerau 1964), found by leaving
letters out of both words (the idea of SymSpell). Chinese: characters that sound like a word's own, as input methods
give them (同音错字). What is a word already, in the texts or in the language, is left as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice, product
from typing import Any

from feilun.core.errors import MissingExtra
from feilun.core.remark import Remark
from feilun.knowledge.terms import simplified
from feilun.text.known_words import english_pieces, syllables

WORD = re.compile(r"[A-Za-z]{4,}")

SHORTEST = 5
"""Letters of the shortest English word that is read otherwise: shorter ones have too many neighbours."""

HAN = re.compile(r"[\u4e00-\u9fff]+")

LONGEST = 4
"""Characters of the longest Chinese word."""

MOST_SOUNDS = 32
"""Ways to pronounce a word that are looked at."""


class Spelling:
    """The words of texts; safe to share between threads.

    Args:
        texts: The first texts.

    Raises:
        MissingExtra: If rjieba is not installed.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        try:
            import rjieba
        except ImportError as error:
            raise MissingExtra(
                "rjieba", "knowledge", Remark("Reading misspelt Chinese words", "识别中文错别字")
            ) from error
        self._cut: Any = rjieba.cut
        self._counts: Counter[str] = Counter()
        self._shorter: dict[str, tuple[str, ...]] = {}
        self._sounds: dict[tuple[str, ...], tuple[str, ...]] = {}
        self.learn(texts)

    def learn(self, texts: Iterable[str]) -> None:
        """Know the words of further texts as well."""
        for text in texts:
            for word in WORD.findall(text):
                self._know_english(word.lower())
            for run in HAN.findall(simplified(text)):
                for word in self._cut(run, False):
                    if 2 <= len(word) <= LONGEST:
                        self._know_chinese(word)

    def corrected(self, text: str) -> str:
        """Return a text with its misspelt words as they were probably meant; Chinese in simplified characters."""
        return HAN.sub(lambda run: self._heard(run[0]), WORD.sub(lambda word: self._typed(word[0]), simplified(text)))

    def _know_english(self, word: str) -> None:
        self._counts[word] += 1
        if self._counts[word] == 1:
            for shorter in {word, *_without_a_letter(word)}:
                self._shorter[shorter] = (*self._shorter.get(shorter, ()), word)

    def _know_chinese(self, word: str) -> None:
        self._counts[word] += 1
        if self._counts[word] == 1:
            for sound in _sounds(word):
                self._sounds[sound] = (*self._sounds.get(sound, ()), word)

    def _typed(self, word: str) -> str:
        """Return the known word that an English one is a typing mistake of, else the word itself."""
        low = word.lower()
        if len(low) < SHORTEST or low in self._counts or low in english_pieces():
            return word
        near = {one for shorter in (low, *_without_a_letter(low)) for one in self._shorter.get(shorter, ())}
        near = {one for one in near if _one_mistake(low, one)}
        return max(near, key=lambda one: (one[0] == low[0], self._counts[one], one)) if near else word

    def _heard(self, run: str) -> str:
        """Return a run of Chinese with what only sounds like known words exchanged for these."""
        tokens = list(self._tokens(run))
        said, at = [], 0
        while at < len(run):
            meant = next(
                (m for length in range(LONGEST, 1, -1) if (m := self._meant(run, at, length, tokens))), run[at]
            )
            said.append(meant)
            at += len(meant)
        return "".join(said)

    def _tokens(self, run: str) -> Iterator[tuple[int, int]]:
        """Yield for each character where the word that it stands in begins and ends."""
        begin = 0
        for word in self._cut(run, False):
            yield from [(begin, begin + len(word))] * len(word)
            begin += len(word)

    def _meant(self, run: str, begin: int, length: int, tokens: list[tuple[int, int]]) -> str | None:
        """Return the known word that some characters are, or sound like where they are no words by themselves."""
        said, own = run[begin : begin + length], tokens[begin : begin + length]
        if len(said) < length or said in self._counts:
            return said if len(said) == length else None
        whole = all(begin <= first and last <= begin + length for first, last in own)
        if not whole or all(last - first > 1 for first, last in own):
            return None
        alike = {one for sound in _sounds(said) for one in self._sounds.get(sound, ()) if _one_other(said, one)}
        return max(alike, key=lambda one: (self._counts[one], one), default=None)


def _sounds(word: str) -> Iterator[tuple[str, ...]]:
    return islice(product(*(syllables().get(character, (character,)) for character in word)), MOST_SOUNDS)


def _without_a_letter(word: str) -> Iterator[str]:
    return (word[:place] + word[place + 1 :] for place in range(len(word)))


def _one_other(said: str, word: str) -> bool:
    return sum(one != other for one, other in zip(said, word, strict=True)) == 1


def _one_mistake(typed: str, meant: str) -> bool:
    """Say whether one letter is wrong, missing, too much, or exchanged with its neighbour."""
    if len(typed) != len(meant):
        short, long = sorted((typed, meant), key=len)
        return short in _without_a_letter(long)
    wrong = [place for place, (one, other) in enumerate(zip(typed, meant, strict=True)) if one != other]
    swapped = (
        len(wrong) == 2
        and wrong[1] == wrong[0] + 1
        and typed[wrong[0] : wrong[1] + 1] == (meant[wrong[1]] + meant[wrong[0]])
    )
    return len(wrong) == 1 or swapped
