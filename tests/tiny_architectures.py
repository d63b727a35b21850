"""Tiny models of every kind of architecture that is exported."""

from __future__ import annotations

from dataclasses import replace

import torch
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    Gemma3TextConfig,
    Gemma3TextModel,
    Qwen2Config,
    Qwen2Model,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from feilun.models.adaptations.full import Full
from feilun.models.bases.base import Base
from feilun.models.heads.classify import ClassifyHead, ClassifySettings
from feilun.models.text_model import TextModel
from tiny import LABELS, tiny_base

LONGEST = 16

SIZES = {
    "vocab_size": 20, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
    "max_position_embeddings": 64,
}  # fmt: skip

WRITTEN = ("bert", "bert-first", "bert-relu", "xlm-roberta")
TRACED = ("distilbert", "llama", "gemma3", "qwen2")


def tiny_text_model(kind: str) -> TextModel:
    torch.manual_seed(3)
    base = architecture(kind)
    model = TextModel(base, ClassifyHead(32, LABELS, ClassifySettings()), Full(), LABELS, LONGEST)
    with torch.no_grad():  # fresh biases are zero and fresh norms one: a graph that left them out would pass
        for name, weight in model.named_parameters():
            if weight.ndim == 1:
                weight.add_(0.3 * torch.randn_like(weight))
            elif "embed" not in name:
                weight.mul_(3)
    return model.eval()


def architecture(kind: str) -> Base:
    encoder, causal = tiny_base("encoder"), tiny_base("causal")
    match kind:
        case "bert":
            return encoder
        case "bert-first":
            return replace(encoder, pooling="first")
        case "bert-relu":
            bert = BertModel(BertConfig(**SIZES, hidden_act="relu"), add_pooling_layer=False)
            return replace(encoder, model=bert, pooling="last")
        case "xlm-roberta":
            roberta = XLMRobertaModel(XLMRobertaConfig(**SIZES, pad_token_id=1), add_pooling_layer=False)
            return replace(encoder, model=roberta, pad_id=1)
        case "distilbert":
            config = DistilBertConfig(vocab_size=20, dim=32, n_layers=2, n_heads=4, hidden_dim=64)
            return replace(encoder, model=DistilBertModel(config))
        case "llama":
            return causal
        case "gemma3":
            layers = ["sliding_attention", "full_attention"]
            config = Gemma3TextConfig(
                **SIZES, num_key_value_heads=1, head_dim=8, sliding_window=4, layer_types=layers, pad_token_id=0
            )
            return replace(causal, model=Gemma3TextModel(config))
        case "qwen2":
            return replace(causal, model=Qwen2Model(Qwen2Config(**SIZES, num_key_value_heads=2, pad_token_id=0)))
    raise ValueError(kind)
