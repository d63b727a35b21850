"""Which scripts and languages texts are written in, by their letters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

SCRIPTS: dict[str, str] = {
    "han": "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff",
    "latin": "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a",
    "hiragana": "\u3041-\u309f",
    "katakana": "\u30a0-\u30ff\u31f0-\u31ff\uff66-\uff9f",
    "hangul": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
    "cyrillic": "\u0400-\u052f",
    "greek": "\u0370-\u03ff\u1f00-\u1fff",
    "arabic": "\u0620-\u064a\u066e-\u06ef\u06fa-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc",
    "hebrew": "\u05d0-\u05f2",
    "devanagari": "\u0900-\u0963\u0971-\u097f",
    "bengali": "\u0980-\u09e5",
    "tamil": "\u0b80-\u0be5",
    "telugu": "\u0c00-\u0c65",
    "thai": "\u0e01-\u0e4e",
    "georgian": "\u10a0-\u10ff",
    "armenian": "\u0531-\u058f",
}
"""Letters of each script, as ranges of a regular expression."""

LANGUAGES = {
    "latin": "en", "hangul": "ko", "cyrillic": "ru", "greek": "el", "arabic": "ar", "hebrew": "he", "devanagari": "hi",
    "bengali": "bn", "tamil": "ta", "telugu": "te", "thai": "th", "georgian": "ka", "armenian": "hy",
}  # fmt: skip
"""The language that a script is taken for; Latin script is taken for English."""

SMALLEST_SHARE = 0.05
"""Share of the letters from which on a script counts as a language of the texts."""

KANA_SHARE = 0.1
"""Share of kana among kana and Han from which on they are Japanese."""


def script_shares(texts: Iterable[str]) -> dict[str, float]:
    """Return the share of each script in the letters of all texts, largest first; digits and signs do not count.

    Args:
        texts: The texts.

    Returns:
        Shares that add up to 1, by script; `other` for scripts that are not told apart. Empty where there is no letter.
    """
    counts = dict.fromkeys(_RUNS, 0)
    letters = 0
    for text in texts:
        if text.isascii():
            found = len(ASCII_LETTER.findall(text))
            counts["latin"] += found
            letters += found
            continue
        known = 0
        for name, run in _RUNS.items():
            found = sum(map(len, run.findall(text)))
            counts[name] += found
            known += found
        letters += max(known, sum(map(str.isalpha, text)))
    shares = {name: count / letters for name, count in counts.items() if count}
    other = 1 - sum(shares.values()) if letters else 0
    if other > 1e-9:
        shares["other"] = other
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def main_script(text: str) -> str:
    """Return the script of most letters of a text, `none` where it has no letter."""
    return next(iter(script_shares([text])), "none")


def languages_of(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the languages of texts as ISO 639-1 codes, the most frequent first.

    Scripts, not words, are looked at: Latin script is taken for English, Cyrillic for Russian, Han for Chinese unless
    kana stands beside it.

    Args:
        texts: The texts.

    Returns:
        Codes such as `("zh", "en")`; empty where the texts have no letters.
    """
    shares = script_shares(texts)
    kana = shares.pop("hiragana", 0.0) + shares.pop("katakana", 0.0)
    han = shares.pop("han", 0.0)
    languages = {LANGUAGES[script]: share for script, share in shares.items() if script in LANGUAGES}
    languages["ja" if kana > KANA_SHARE * (kana + han) else "zh"] = kana + han
    kept = [language for language, share in languages.items() if share >= SMALLEST_SHARE]
    return tuple(sorted(kept, key=lambda language: -languages[language]))


ASCII_LETTER = re.compile("[A-Za-z]")
_RUNS = {name: re.compile(f"[{ranges}]+") for name, ranges in SCRIPTS.items()}
