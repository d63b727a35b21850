"""Misspelt words are read as those of the texts; what is a word already is left alone."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feilun.knowledge.spelling import Spelling
from feilun.text.known_words import english_pieces, syllables

TEXTS = (
    "How do I transfer money to a beneficiary abroad?",
    "银行卡丢失了怎么挂失？",
    "信用卡年费是多少？",
    "怎么修改登录密码",
)
spelling = Spelling(TEXTS)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("trasnfer mony to a benificiary", "transfer mony to a beneficiary"),  # mony is too short to tell
        ("transfr to beneficiaryy", "transfer to beneficiary"),
        ("信用咔年费", "信用卡年费"),
        ("登录蜜码改不了", "登录密码改不了"),
        ("卡丢湿了怎么挂施", "卡丢失了怎么挂失"),
        ("信用咔年費", "信用卡年费"),
    ],
)
def test_a_word_is_read_as_the_one_that_was_meant(typed, meant):
    assert spelling.corrected(typed) == meant


@pytest.mark.parametrize(
    "text", ["transform", "transfers", "planet", "银行在哪里", "今天天气好", "", "😀 [PHONE] 12345", *TEXTS]
)
def test_what_is_a_word_already_is_left_alone(text):
    assert spelling.corrected(text) == text


@given(st.sampled_from(["transfer", "beneficiary"]), st.integers(0, 10**6))
def test_any_single_mistake_in_a_long_word_is_read(word, seed):
    draw = random.Random(seed)
    place = draw.randrange(1, len(word) - 1)
    typed = draw.choice(
        [
            word[:place] + word[place + 1 :],
            word[:place] + draw.choice("qxz") + word[place:],
            word[:place] + draw.choice("qxz") + word[place + 1 :],
            word[:place] + word[place + 1] + word[place] + word[place + 2 :],
        ]
    )
    assert typed in english_pieces() or spelling.corrected(typed) == word


def test_words_are_learned_while_it_runs():
    own = Spelling()
    assert own.corrected("挂施") == "挂施"
    own.learn(["挂失"])
    assert own.corrected("挂施") == "挂失"


def test_the_packaged_lists_are_whole():
    assert len(english_pieces()) > 20_000
    assert len(syllables()) == 6763  # GB 2312
    assert syllables()["行"] == ("hang", "xing")
