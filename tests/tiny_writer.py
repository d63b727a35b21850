"""A real language model small enough for tests, which can learn to answer in a few steps."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import torch
from transformers import (
    Gemma3TextConfig,
    Gemma3TextModel,
    LlamaConfig,
    LlamaModel,
    Qwen2Config,
    Qwen2Model,
    Qwen3Config,
    Qwen3Model,
)

from feilun.core.corpus import Corpus, corpus_of
from feilun.core.decisions.generate import Turns
from feilun.core.labels import LabelSet
from feilun.models.adaptations.adaptation import Adaptation
from feilun.models.adaptations.full import Full
from feilun.models.bases.base import Base
from feilun.models.heads.generate import GenerateSettings
from feilun.models.text_model import TextModel
from tiny import WORDS, save_tiny_base, tiny_base

SIZES = {
    "vocab_size": 20, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
    "max_position_embeddings": 64, "head_dim": 16, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3,
    "tie_word_embeddings": True,
}  # fmt: skip

FAMILIES = ("llama", "qwen2", "qwen3", "gemma3")
TURNS = Turns("help", ("fee", "fast"), ("rate", "fast"), ("card", "fast"), "card")
MOODS = {"good": "服务 很好", "很好": "服务 很好", "bad": "服务 很差", "很差": "服务 很差"}


def writer_base(family: str = "llama", turns: Turns | None = None, seed: int = 3) -> Base:
    torch.manual_seed(seed)
    match family:
        case "llama":
            model: torch.nn.Module = LlamaModel(LlamaConfig(**SIZES, num_key_value_heads=2))
        case "qwen2":
            sizes = {**SIZES, "num_attention_heads": 2}
            model = Qwen2Model(Qwen2Config(**sizes, num_key_value_heads=1))
        case "qwen3":
            model = Qwen3Model(Qwen3Config(**SIZES, num_key_value_heads=2))
        case _:
            layers = ["sliding_attention", "full_attention"]
            model = Gemma3TextModel(
                Gemma3TextConfig(**SIZES, num_key_value_heads=1, sliding_window=4, layer_types=layers)
            )
    with torch.no_grad():  # fresh biases are zero and fresh norms one: a graph that left them out would pass
        for name, weight in model.named_parameters():
            if weight.ndim == 1:
                weight.add_(0.3 * torch.randn_like(weight))
            else:
                weight.mul_(8 if "embed" in name else 3)
    return replace(tiny_base("causal"), model=model.eval(), turns=turns)


def writer_model(
    adaptation: Adaptation | None = None, family: str = "llama", turns: Turns | None = None, **head: object
) -> TextModel:
    settings = GenerateSettings(**{"max_new_tokens": 6, **head})
    return TextModel(
        writer_base(family, turns), settings.make(32, LabelSet(())), adaptation or Full(), LabelSet(()), 32
    ).eval()


def save_base(folder: Path, family: str = "llama") -> None:
    """Write a folder that a recipe can name as its base."""
    save_tiny_base(folder, writer_base(family))


def asked(rows: int, seed: int = 0) -> Corpus:
    """Prompts whose answers can be read off one of their words."""
    source = random.Random(seed)
    others = [word for word in WORDS if word not in MOODS]
    texts, answers = [], []
    for _ in range(rows):
        words = source.choices(others, k=source.randint(1, 9))
        mood = source.choice(list(MOODS))
        words.insert(source.randrange(len(words) + 1), mood)
        texts.append(" ".join(words))
        answers.append(MOODS[mood])
    return corpus_of(texts, answers)


def write_table(path: Path, corpus: Corpus) -> None:
    with path.open("w", encoding="utf-8") as file:
        for text, answer in zip(corpus.text, corpus.target or (), strict=True):
            print(json.dumps({"text": text, "answer": answer}, ensure_ascii=False), file=file)
