"""A trimmed vocabulary cuts kept text as before, and the model says the same of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import Unigram, WordPiece
from tokenizers.processors import BertProcessing, RobertaProcessing, TemplateProcessing
from transformers import BertConfig, BertModel

from feilun.core.errors import BaseModelError, UsageError
from feilun.models.bases.base import Base
from feilun.models.vocabulary import trim

UNIGRAM = [
    ("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), (",", -3.4), ("▁", -3.9), ("привет", -4.0),
    ("▁мир", -4.5), ("s", -5.0), ("▁loan", -6.0), ("▁bank", -6.1), ("银行", -6.5), ("é", -7.0), ("▁déjà", -7.1),
    ("贷款", -7.2), ("▁kreditwesen", -7.5), ("利", -8.0), ("率", -8.1), ("利率", -8.2), ("<0x41>", -8.5), ("の", -8.6),
    ("です", -8.7), ("l", -9.0), ("o", -9.1), ("a", -9.2), ("n", -9.3), ("1", -9.4), ("😀", -9.5), ("и", -9.9),
    ("<mask>", 0.0),
]  # fmt: skip
WORDPIECE = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "loan",
    "##s",
    "##ing",
    "银",
    "##银",
    "行",
    "мир",
    "##ры",
    "1",
    ",",
    "の",
]


def base_of(tokenizer: Tokenizer, pad_id: int, prefix: str = "") -> Base:
    torch.manual_seed(0)
    size = tokenizer.get_vocab_size()
    config = BertConfig(
        vocab_size=size + 3,  # models often have more rows than their tokenizer has pieces
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, max_position_embeddings=128,
        pad_token_id=pad_id,
    )  # fmt: skip
    model = BertModel(config, add_pooling_layer=False).eval()
    return Base(
        "tiny", "encoder", "mean", prefix, 128, pad_id, ("zh", "en"), model=model, tokenizer=tokenizer, sha256="hash"
    )


def unigram(prefix: str = "") -> Base:
    tokenizer = Tokenizer(Unigram(UNIGRAM, unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return base_of(tokenizer, 1, prefix)


def wordpiece() -> Base:
    tokenizer = Tokenizer(WordPiece({piece: i for i, piece in enumerate(WORDPIECE)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    tokenizer.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return base_of(tokenizer, 0)


def states(base: Base, text: str, pair: str | None = None) -> torch.Tensor:
    encoding = base.tokenizer.encode(base.prefix + text, pair) if pair else base.tokenizer.encode(base.prefix + text)
    with torch.no_grad():
        return base.model(input_ids=torch.tensor([encoding.ids])).last_hidden_state


def pieces(base: Base) -> set[str]:
    return set(base.tokenizer.get_vocab())


UNIGRAM_BASE, WORDPIECE_BASE = unigram(), wordpiece()
TRIMMED_UNIGRAM, REPORT = trim(UNIGRAM_BASE, ["zh", "en"], ["привет"])
TRIMMED_WORDPIECE, _ = trim(WORDPIECE_BASE, ["zh", "en"], [])


def test_pieces_of_the_languages_stay_and_the_others_go() -> None:
    gone = pieces(UNIGRAM_BASE) - pieces(TRIMMED_UNIGRAM)
    assert gone == {"▁мир", "и", "▁déjà", "▁kreditwesen", "の", "です"}
    assert pieces(WORDPIECE_BASE) - pieces(TRIMMED_WORDPIECE) == {"мир", "##ры", "の"}


def test_report_counts() -> None:
    assert (REPORT.pieces_before, REPORT.pieces_kept) == (30, 24)
    assert (REPORT.outside_pieces, REPORT.outside_tokens) == (1, 1)
    rows_gone = 33 - 24
    assert REPORT.parameters_before - REPORT.parameters_after == rows_gone * 32
    assert "24 of 30 pieces" in REPORT.sentence()
    assert "1 further pieces" in REPORT.sentence()


def test_all_latin_stays_for_another_latin_language() -> None:
    kept = pieces(trim(UNIGRAM_BASE, ["de"], [])[0])
    assert {"▁kreditwesen", "▁déjà", "▁loan"} <= kept
    assert "银行" not in kept


@settings(max_examples=60)
@example("loans, bank 银行 贷款 利率 1😀")
@given(st.text(alphabet="loan bank,s银行贷款利率1😀é привет", max_size=30))
def test_kept_text_has_equal_pieces_and_states(text: str) -> None:
    for whole, trimmed in ((UNIGRAM_BASE, TRIMMED_UNIGRAM), (WORDPIECE_BASE, TRIMMED_WORDPIECE)):
        before, after = whole.tokenizer.encode(text), trimmed.tokenizer.encode(text)
        if not set(before.tokens) <= pieces(trimmed):
            continue
        assert after.tokens == before.tokens
        assert torch.equal(states(whole, text), states(trimmed, text))


@settings(max_examples=60)
@given(st.lists(st.text(max_size=20), max_size=5))
def test_given_texts_are_always_kept(texts: list[str]) -> None:
    trimmed, _ = trim(UNIGRAM_BASE, ["zh"], texts)
    for text in texts:
        assert trimmed.tokenizer.encode(text).tokens == UNIGRAM_BASE.tokenizer.encode(text).tokens


def test_pairs_and_prefix() -> None:
    base = unigram(prefix="привет ")
    trimmed, report = trim(base, ["zh"], ["利率"])
    assert report.outside_pieces == 0  # the prefix is the base's own, no foreign text
    for text, pair in (("利率", None), ("利率", "银行")):
        assert torch.equal(states(base, text, pair), states(trimmed, text, pair))


def test_special_ids_follow() -> None:
    tokenizer = Tokenizer.from_str(UNIGRAM_BASE.tokenizer.to_str())
    tokenizer.post_processor = RobertaProcessing(("</s>", 2), ("<s>", 0))
    model = unigram().model
    mask = 29  # the last piece serves as padding
    base = replace(UNIGRAM_BASE, tokenizer=tokenizer, model=model, pad_id=mask)
    base.model.config.pad_token_id = mask
    trimmed, _ = trim(base, ["en"], [])
    assert trimmed.tokenizer.token_to_id("<mask>") == trimmed.pad_id == trimmed.model.config.pad_token_id
    assert trimmed.pad_id == trimmed.tokenizer.get_vocab_size() - 1
    assert trimmed.tokenizer.encode("loan 未").tokens[0] == "<s>"
    unknown = [trimmed.tokenizer.token_to_id(token) for token in ("<s>", "▁", "<unk>", "</s>")]
    assert trimmed.tokenizer.encode("未").ids == unknown


def test_the_given_base_is_left_as_it_is() -> None:
    base = unigram()
    before = {name: tensor.clone() for name, tensor in base.model.state_dict().items()}
    trimmed, _ = trim(base, ["zh"], [])
    with torch.no_grad():
        for weight in trimmed.model.parameters():
            weight.add_(1)
    after = base.model.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    assert base.tokenizer.get_vocab_size() == 30
    assert base.model.config.vocab_size == 33


def test_equal_trimming_has_equal_hash() -> None:
    first, second, other = (trim(UNIGRAM_BASE, languages, [])[0] for languages in (["zh"], ["zh"], ["en"]))
    assert first.sha256 == second.sha256
    assert len({first.sha256, other.sha256, UNIGRAM_BASE.sha256}) == 3


def test_unknown_language() -> None:
    with pytest.raises(UsageError, match="'cn'"):
        trim(UNIGRAM_BASE, ["cn"], [])


def test_numbers_with_gaps_are_refused() -> None:
    tokenizer = Tokenizer(WordPiece({"a": 0, "b": 2}, unk_token="a"))
    with pytest.raises(BaseModelError, match=r"gaps.*model\.vocabulary = \"keep\""):
        trim(replace(UNIGRAM_BASE, tokenizer=tokenizer), ["en"], [])
