"""Scripts, languages, words and sentences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feilun.text.language import languages_of, script_shares
from feilun.text.segment import sentences, words


@given(st.lists(st.text(), max_size=5))
def test_script_shares_add_up_to_one_where_there_are_letters(texts: list[str]) -> None:
    shares = script_shares(texts)
    assert not shares or sum(shares.values()) == pytest.approx(1)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


def test_script_shares_count_letters_only() -> None:
    assert script_shares(["我爱ab, 123！"]) == {"han": 0.5, "latin": 0.5}
    assert script_shares(["123 😀"]) == {}


@pytest.mark.parametrize(
    ("text", "languages"),
    [
        ("这家店不错", ("zh",)),
        ("good", ("en",)),
        ("iPhone很好", ("en", "zh")),
        ("これは良い本です", ("ja",)),
        ("안녕하세요", ("ko",)),
        ("привет", ("ru",)),
        ("مرحبا", ("ar",)),
        ("123", ()),
    ],
)
def test_languages_by_script(text: str, languages: tuple[str, ...]) -> None:
    assert languages_of([text]) == languages


def test_words_of_both_languages() -> None:
    assert words("The rate isn't 3%!") == ["the", "rate", "isn't", "3"]
    assert words("我的银行卡丢了，怎么办？") == ["我", "的", "银行卡", "丢", "了", "怎么办"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mr. Smith came. He left! Why?", ["Mr. Smith came.", "He left!", "Why?"]),
        ("“走吧。”他说。好的？？是", ["“走吧。”", "他说。", "好的？？", "是"]),
        ("The rate is 3.5 percent. e.g. this one. 好", ["The rate is 3.5 percent. e.g. this one.", "好"]),
        ("第一行\n第二行", ["第一行", "第二行"]),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text())
def test_sentences_lose_nothing_but_blanks(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
