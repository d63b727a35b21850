"""What is hidden is a function of seed, step and row; words are hidden whole; some tokens never are."""

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split

from feilun.core.errors import BaseModelError
from feilun.models.masking import NEVER, Masking, MaskSettings, Passage, mask_id, passages_of
from feilun.text.tokens import TokenEncoder
from tiny import tiny_tokenizer

MASK = 999


def masking(share: float = 0.15, whole_words: bool = True, seed: int = 13) -> Masking:
    return Masking(MaskSettings(share, whole_words), MASK, 900, seed)


def passage(tokens: int = 200, of_a_word: int = 2) -> Passage:
    words = np.arange(tokens, dtype=np.int32) // of_a_word
    words[:3] = NEVER
    return Passage(list(range(tokens)), words)


def characters(text: str) -> Tokenizer:
    """A tokenizer of single characters, as encoders of Chinese have it."""
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, **{one: i + 1 for i, one in enumerate(sorted(set(text)))}}, "[UNK]"))
    tokenizer.pre_tokenizer = Split("", "isolated")
    return tokenizer


def test_equal_seed_step_and_row_hide_the_same_and_any_other_does_not():
    one = masking().hide(passage(), row=5, step=7)
    for other in (masking().hide(passage(), 5, 7), masking(seed=13).hide(passage(), 5, 7)):
        assert one[0] == other[0]
        assert one[1].tolist() == other[1].tolist()
    others = [
        masking().hide(passage(), 6, 7), masking().hide(passage(), 5, 8), masking().hide(passage(), 5, None),
        masking(seed=14).hide(passage(), 5, 7),
    ]  # fmt: skip
    assert all(one[1].tolist() != other[1].tolist() for other in others)


@pytest.mark.parametrize("share", [0.15, 0.4])
def test_the_wanted_share_is_hidden_mostly_behind_the_mask(share):
    found = [masking(share).hide(passage(), row, 0) for row in range(200)]
    places = np.concatenate([places for _, places in found])
    assert len(places) / (200 * 197) == pytest.approx(share, abs=0.01)
    assert places.min() >= 3
    read = np.concatenate([np.array(ids)[own] for ids, own in found])
    assert np.mean(read == MASK) == pytest.approx(0.8, abs=0.02)
    assert np.mean(read == places) == pytest.approx(0.1, abs=0.02)
    assert all(np.array_equal(np.delete(ids, own), np.delete(passage().ids, own)) for ids, own in found)


def test_words_are_hidden_whole_unless_tokens_are_asked_for():
    def torn(whole_words: bool) -> int:
        _, places = masking(whole_words=whole_words).hide(passage(of_a_word=4), 0, 0)
        return sum(
            place // 4 * 4 + other > 3 and place // 4 * 4 + other not in places
            for place in places
            for other in range(4)
        )

    assert torn(True) == 0
    assert torn(False) > 0


def test_a_passage_of_special_tokens_alone_has_nothing_to_hide():
    ids, places = masking().hide(Passage([2, 3], np.array([NEVER, NEVER], np.int32)), 0, 0)
    assert (ids, places.tolist()) == ([2, 3], [])


def test_pieces_of_a_chinese_word_belong_together_and_the_prefix_is_never_hidden():
    text = "外卖很好吃"
    (found,) = passages_of([text], TokenEncoder(characters("query: " + text), 64, "query: "))
    assert found.words[:7].tolist() == [NEVER] * 7
    assert found.words[7] == found.words[8] != found.words[9]


def test_special_tokens_are_never_hidden():
    (found, empty) = passages_of(["good bank", ""], TokenEncoder(tiny_tokenizer(), 16))
    assert (found.words == NEVER).tolist() == [True, False, False, True]
    assert (empty.words == NEVER).all()


def test_a_tokenizer_without_a_mask_is_refused():
    with pytest.raises(BaseModelError, match=r"no token that stands for a hidden word, such as \[MASK\]"):
        mask_id(tiny_tokenizer(), "tiny")
