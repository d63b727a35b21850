"""Which scripts a language is written in, and whether a base's languages fit a text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from feilun.core.errors import UsageError, nearest
from feilun.core.remark import Remark, said_in

MULTILINGUAL = "multilingual"
"""Stands in a base's languages for about a hundred more."""

ENGLISH = "en"

SCRIPTS: Mapping[str, frozenset[str]] = {
    "zh": frozenset({"han", "bopomofo"}),
    "ja": frozenset({"han", "hiragana", "katakana"}),
    "ko": frozenset({"hangul", "han"}),
    **dict.fromkeys(("ru", "uk", "bg", "sr", "mk", "be", "kk", "mn"), frozenset({"cyrillic"})),
    **dict.fromkeys(("ar", "fa", "ur", "ps"), frozenset({"arabic"})),
    **dict.fromkeys(("hi", "mr", "ne"), frozenset({"devanagari"})),
    "el": frozenset({"greek"}),
    "he": frozenset({"hebrew"}),
    "th": frozenset({"thai"}),
    "bn": frozenset({"bengali"}),
    "ta": frozenset({"tamil"}),
    "te": frozenset({"telugu"}),
    "ka": frozenset({"georgian"}),
    "hy": frozenset({"armenian"}),
    **dict.fromkeys(
        (  # noqa: SIM905 - a list of forty lines says less
            "en de fr es it pt nl sv da no fi is pl cs sk sl hr bs sq ro hu tr az vi id ms tl sw af ca eu gl "
            "et lv lt ga cy mt eo la uz"
        ).split(),
        frozenset({"latin"}),
    ),
}
"""Scripts by ISO 639-1 code."""

FOREIGN_SHARE = 0.2
"""Share of letters in scripts that a base does not know from which on a warning is due."""

_SAME = {"cjk": "han", "ideographic": "han", "kangxi": "han", "katakana-hiragana": "katakana"}
_COMMON = {
    "combining",
    "modifier",
    "variation",
    "fullwidth",
    "halfwidth",
    "mathematical",
    "micro",
    "feminine",
    "masculine",
}


@lru_cache(maxsize=200_000)
def script_of(character: str) -> str:
    """Return the script of a letter or mark in lower case, such as `han` or `latin`; empty for what all share."""
    if unicodedata.category(character)[0] not in "LM":
        return ""
    first = unicodedata.name(character, "unknown").partition(" ")[0].lower()
    return "" if first in _COMMON else _SAME.get(first, first)


def scripts_of(languages: Iterable[str]) -> frozenset[str]:
    """Return the scripts of languages.

    Raises:
        UsageError: If a language is unknown.
    """
    languages = list(languages)
    for language in languages:
        if language not in SCRIPTS:
            raise UsageError(
                Remark(
                    f"Unknown language {language!r}. {nearest(language, SCRIPTS)}",
                    f"未知的语言 {language!r}。{said_in('zh', nearest(language, SCRIPTS))}",
                ),
                Remark("Use ISO 639-1 codes, such as zh and en.", "请使用 ISO 639-1 代码，如 zh 和 en。"),
            )
    return frozenset().union(*(SCRIPTS[language] for language in languages))


def warn_if_unfit(base_languages: Sequence[str], script_shares: Mapping[str, float]) -> Remark | None:
    """Say where a base's languages do not fit the text.

    Args:
        base_languages: The base's languages; empty where unknown.
        script_shares: Share of each script in the text's letters, by its name in lower case.

    Returns:
        A warning, or None where all is well or the base's languages are not known.
    """
    if not base_languages or MULTILINGUAL in base_languages:
        return None
    known = scripts_of(language for language in base_languages if language in SCRIPTS)
    total = sum(share for script, share in script_shares.items() if script in _ALL_SCRIPTS)
    foreign = {script: share for script, share in script_shares.items() if script in _ALL_SCRIPTS - known}
    if not total or sum(foreign.values()) / total < FOREIGN_SHARE:
        return None
    worst = max(foreign, key=lambda script: foreign[script])
    share = f"{foreign[worst] / total:.0%}"
    return Remark(
        f"The base reads {', '.join(base_languages)}, but {share} of the letters are {worst}: expect much lower "
        "accuracy. multilingual-e5-small reads Chinese, English and about 100 more languages.",
        f"底座能读 {'、'.join(base_languages)}，但 {share} 的字母属于 {worst}：准确率会低得多。"
        "multilingual-e5-small 能读中文、英文和另外约 100 种语言。",
    )


_ALL_SCRIPTS = frozenset().union(*SCRIPTS.values())
