"""A finished sentence in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Language = Literal["zh", "en"]


class Remark(str):
    """A sentence, or a clause of one: a plain English string that knows its Chinese.

    Args:
        english: It reads so as a string, and in JSON.
        chinese: The same in Chinese.
    """

    __slots__ = ("chinese",)

    chinese: str

    def __new__(cls, english: str, chinese: str) -> Remark:
        """Make the string."""
        remark = super().__new__(cls, english)
        remark.chinese = chinese
        return remark

    def __reduce__(self) -> tuple[type[Remark], tuple[str, str]]:
        return Remark, (str(self), self.chinese)


def said_in(language: Language, remark: str) -> str:
    """Return a remark in a language; a string without Chinese stays as it is."""
    return remark.chinese if language == "zh" and isinstance(remark, Remark) else str(remark)


def joined(remarks: Sequence[str], english: str = "; ", chinese: str = "；") -> Remark:
    """Join remarks by what stands between clauses in each language."""
    return Remark(english.join(remarks), chinese.join(said_in("zh", remark) for remark in remarks))
