"""A trimmed BPE tokenizer cuts kept text as before, whether its pieces are spelt in characters or in bytes."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, trainers
from tokenizers.models import BPE

from feilun.models.trimmed_tokenizer import trim_tokenizer

TEXTS = [
    "the bank raised the rate on loans and the loan became dearer",
    "银行上调贷款利率，贷款利率高于去年",
    "банк повысил ставку по кредитам, ставка по кредиту выше",
    "金利を上げました、ローンの金利です",
] * 3


def in_bytes() -> Tokenizer:
    """As GPT-2, Qwen and SmolLM2 spell."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420, special_tokens=["<end>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def in_characters() -> Tokenizer:
    """As Gemma spells: a blank is "▁", and what no piece holds falls back to single bytes."""
    learnt = Tokenizer(BPE())
    learnt.normalizer = normalizers.Replace(" ", "▁")
    learnt.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=300, special_tokens=["<end>", "<unk>"]))
    table = json.loads(learnt.to_str())["model"]
    vocabulary = table["vocab"] | {f"<0x{byte:02X}>": len(table["vocab"]) + byte for byte in range(256)}
    merges = [tuple(pair) for pair in table["merges"]]
    tokenizer = Tokenizer(BPE(vocabulary, merges, byte_fallback=True, unk_token="<unk>"))
    tokenizer.normalizer = learnt.normalizer
    tokenizer.add_special_tokens(["<end>", "<unk>"])
    return tokenizer


WHOLE = {"bytes": in_bytes(), "characters": in_characters()}
TRIMMED = {name: trim_tokenizer(whole, "", name, ["zh", "en"], [*TEXTS[:2], "ставка"]) for name, whole in WHOLE.items()}
both = pytest.mark.parametrize("spelling", ["bytes", "characters"])


@both
def test_pieces_of_other_languages_go_and_special_ones_stay(spelling: str) -> None:
    before, after = set(WHOLE[spelling].get_vocab()), set(TRIMMED[spelling].tokenizer.get_vocab())
    assert len(after) < len(before)
    assert "<end>" in after
    kept = [WHOLE[spelling].encode(text).tokens for text in TEXTS[:2]]
    assert all(piece in after for tokens in kept for piece in tokens)
    gone = {piece for text in TEXTS[2:] for piece in WHOLE[spelling].encode(text).tokens} - after
    assert gone


@both
@settings(max_examples=80)
@given(
    text=st.lists(st.sampled_from([*TEXTS[0].split(), "银行", "利率", "上调", "ставка", "，", "7", "😀"])).map(" ".join)
)
def test_kept_text_is_cut_as_before(spelling: str, text: str) -> None:
    found = TRIMMED[spelling]
    before, after = WHOLE[spelling].encode(text), found.tokenizer.encode(text)
    assume(set(before.ids) <= set(found.new_ids))
    assert after.tokens == before.tokens
    assert after.ids == [found.new_ids[old] for old in before.ids]


@both
def test_other_text_falls_back_and_can_be_read(spelling: str) -> None:
    whole, trimmed = WHOLE[spelling], TRIMMED[spelling].tokenizer
    assert len(trimmed.encode("кредитам").ids) > len(whole.encode("кредитам").ids)
    if spelling == "bytes":
        assert trimmed.decode(trimmed.encode("кредитам").ids) == "кредитам"
    else:
        assert "<unk>" not in trimmed.encode("кредитам").tokens
