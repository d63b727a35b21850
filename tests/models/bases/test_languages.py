"""Languages, scripts, and the warning where they do not fit."""

from __future__ import annotations

import pytest

from feilun.core.errors import UsageError
from feilun.models.bases.languages import MULTILINGUAL, SCRIPTS, script_of, scripts_of, warn_if_unfit
from feilun.text import language


@pytest.mark.parametrize(
    ("character", "script"),
    [
        *(("a", "latin"), ("é", "latin"), ("银", "han"), ("々", "han"), ("あ", "hiragana"), ("ー", "katakana")),
        *(("한", "hangul"), ("я", "cyrillic"), ("ع", "arabic")),
        *((shared, "") for shared in ("1", "，", " ", "▁", "Ａ", "\u0301", "\ud800")),
    ],
)
def test_script_of(character: str, script: str) -> None:
    assert script_of(character) == script


def test_unknown_language_is_named() -> None:
    with pytest.raises(UsageError, match="'zhh'"):
        scripts_of(["en", "zhh"])


def test_every_language_told_from_texts_is_known() -> None:
    assert set(language.LANGUAGES.values()) <= set(SCRIPTS)


def test_english_base_on_chinese_text_warns() -> None:
    shares = language.script_shares(["我的银行卡丢了怎么办", "POS"])
    warning = warn_if_unfit(("en",), shares)
    assert warning is not None
    assert "77% of the letters are han" in warning


@pytest.mark.parametrize(
    ("languages", "text"),
    [(("zh", "en"), "我的 bank card"), ((MULTILINGUAL,), "привет"), ((), "привет"), (("en",), "123 456"), (("en",), ""),
     (("en",), "A long English sentence about 银行 alone")],
)  # fmt: skip
def test_no_warning_where_all_is_well(languages: tuple[str, ...], text: str) -> None:
    assert warn_if_unfit(languages, language.script_shares([text])) is None
