"""Long texts are cut into passages that fit, and nothing of them is lost."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feilun.core.corpus import corpus_of
from feilun.text.passages import halved, passages
from feilun.text.segment import word_numbers
from feilun.text.tokens import TokenEncoder
from tiny import tiny_tokenizer


@given(st.text(alphabet="ab 。.\nA很好", max_size=200))
def test_passages_fit_and_are_the_text(text):
    encoder = TokenEncoder(tiny_tokenizer(), 8)
    cut = passages(corpus_of([text, "loan"]), encoder)
    own = cut.text[: len(cut) - 1]
    assert "".join(own) == text
    assert (encoder.count(own) <= 8).all()
    assert cut.id == ["0", *(f"0.{number}" for number in range(2, len(own) + 1)), "1"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("贷款很好。利率很差。", ("贷款很好。", "利率很差。")),
        ("good bank slow card", ("good bank ", "slow card")),
        ("abcd", ("ab", "cd")),
        (" a", (" ", "a")),
    ],
)
def test_a_text_is_cut_at_a_sentence_else_at_a_blank_else_midway(text, parts):
    assert halved(text) == parts


@given(st.text(max_size=60))
def test_every_character_has_one_word(text):
    numbers = word_numbers(text)
    assert len(numbers) == len(text)
    assert all(0 <= after - before <= 1 for before, after in pairwise(numbers))


def test_chinese_words_are_those_of_the_dictionary_and_english_ones_keep_their_letters():
    assert word_numbers("外卖很好吃 works").tolist()[:2] == [0, 0]
    assert len(set(word_numbers("外卖很好吃 works")[-5:].tolist())) == 1
    assert word_numbers("it's a_b").tolist() == [0, 0, 0, 0, 1, 2, 3, 4]
