from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel

from feilun.text.single_characters import reading_characters
from feilun.text.tokens import TokenEncoder
from feilun.text.windows import windows
from tiny import WORDS, tiny_tokenizer


@given(st.lists(st.lists(st.sampled_from([*WORDS, "😀", " "]), max_size=60), max_size=4), st.integers(6, 20))
@settings(max_examples=40)
def test_every_token_of_a_text_is_counted_once_and_in_its_place(texts, most):
    encoder = TokenEncoder(tiny_tokenizer(), most, "loan : ")
    joined = ["  ".join(words) for words in texts]
    found = windows(encoder, joined)
    logits = [np.array(row, np.float32)[:, None] for row in found.rows]  # each token's number is its id
    for text, one in zip(joined, found.join(logits, 1), strict=True):
        whole = encoder.tokenizer
        whole.no_truncation()
        expected = whole.encode(text, add_special_tokens=False)
        assert one.logits[:, 0].astype(int).tolist() == expected.ids
        assert [tuple(offset) for offset in one.offsets.tolist()] == expected.offsets
    assert all(len(row) <= most for row in found.rows)
    assert [found.rows[own[0]] for own in found.of_text] == encoder.encode(joined)


def test_blanks_at_a_token_are_no_part_of_it():
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "▁loan": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    (one,) = windows(TokenEncoder(tokenizer, 16), ["loan loan"]).join([np.zeros((2, 1), np.float32)], 1)
    assert one.offsets.tolist() == [[0, 4], [5, 9]]


@pytest.mark.parametrize("own", [pre_tokenizers.Metaspace(), pre_tokenizers.Whitespace(), None])
def test_each_chinese_character_and_mark_is_a_token_and_the_tokenizer_stays_as_it_was(own):
    tokenizer = tiny_tokenizer()
    if own is None:
        tokenizer = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    else:
        tokenizer.pre_tokenizer = own
    before = tokenizer.to_str()
    text = "“李明”在loan银行。"
    offsets = set(reading_characters(tokenizer).encode(text, add_special_tokens=False).offsets)
    for place, character in enumerate(text):
        if not character.isascii():
            assert (place, place + 1) in offsets, character
    assert (5, 9) in offsets
    assert tokenizer.to_str() == before
