"""Terms are the same for the forms of a text that mean the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feilun.knowledge.terms import LONGEST_WORD, search_terms, stem


def test_chinese_gives_characters_and_pairs():
    assert search_terms("挂失卡") == ["挂", "失", "卡", "挂失", "失卡"]


def test_traditional_and_full_width_forms_meet():
    assert search_terms("網路轉帳ＡＢＣ") == search_terms("网路转帐abc")


@pytest.mark.parametrize("words", [("transfer", "transfers", "transferred", "transferring"), ("card", "cards"),
                                   ("charge", "charged", "charges", "charging"), ("company", "companies")])  # fmt: skip
def test_forms_of_an_english_word_meet(words):
    assert len({stem(word) for word in words}) == 1


@pytest.mark.parametrize("word", ["bus", "loss", "this", "as", "sing", "red", "free"])
def test_what_only_looks_like_an_ending_stays(word):
    assert stem(word) == word


@given(st.text())
def test_no_term_is_empty_or_holds_a_blank(text):
    for term in search_terms(text):
        assert term
        assert len(term) <= max(2, LONGEST_WORD)
        assert not any(character.isspace() for character in term)


def test_signs_alone_have_no_terms():
    assert search_terms("？！… 😀😀 --") == []
