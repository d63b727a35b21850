"""A real model small enough for tests: two layers, 32 wide, with a word-level tokenizer made here."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel, LlamaConfig, LlamaModel

from feilun.core.corpus import Corpus, corpus_of
from feilun.core.decisions.multitask import TaskTarget, qualified
from feilun.core.features import CategoryColumn, FeatureColumns, NumberColumn
from feilun.core.labels import LabelSet
from feilun.core.spans import Span
from feilun.core.splits import Splits
from feilun.models.adaptations.adaptation import Adaptation
from feilun.models.adaptations.full import Full
from feilun.models.bases.base import Base
from feilun.models.bases.blank import open_blank
from feilun.models.fusion import Fusion, FusionSettings
from feilun.models.heads.classify import ClassifyHead, ClassifySettings
from feilun.models.heads.multitask import MultitaskSettings, TaskPart
from feilun.models.heads.table import HEADS, HeadSettings
from feilun.models.text_model import TextModel
from tiny_tokenizer import tokenizer_of

WORDS = [
    "loan",
    "card",
    "rate",
    "bank",
    "fee",
    "good",
    "bad",
    "fast",
    "slow",
    "help",
    "银行",
    "贷款",
    "利率",
    "很好",
    "很差",
    "服务",
]
LABELS = LabelSet(("bad", "good", "neutral"))


def tiny_tokenizer() -> Tokenizer:
    return tokenizer_of(WORDS)


def tiny_base(kind: str = "encoder", seed: int = 0) -> Base:
    torch.manual_seed(seed)
    sizes = {"vocab_size": 20, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
             "intermediate_size": 64, "max_position_embeddings": 64}  # fmt: skip
    if kind == "encoder":
        model = BertModel(BertConfig(**sizes), add_pooling_layer=False)
    else:
        model = LlamaModel(LlamaConfig(**sizes, num_key_value_heads=2, pad_token_id=0))
    pooling = "mean" if kind == "encoder" else "last"
    return Base(
        "tiny", kind, pooling, "", 64, 0, ("en", "zh"),
        model=model.eval(), tokenizer=tiny_tokenizer(), sha256=f"tiny-{kind}-{seed}",
    )  # fmt: skip


def save_tiny_base(folder: Path, base: Base | None = None) -> Path:
    """Write a base, else the tiny one, as a folder that a recipe can name."""
    base = base or tiny_base()
    base.model.save_pretrained(folder)
    base.tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def masked_base() -> Base:
    """An encoder whose tokenizer knows a mask: it takes the place of one of the words."""
    base = tiny_base()
    table = json.loads(base.tokenizer.to_str())
    vocabulary = table["model"]["vocab"]
    vocabulary["[MASK]"] = vocabulary.pop(WORDS[-1])
    return replace(base, tokenizer=Tokenizer.from_str(json.dumps(table)), sha256="tiny-masked")


def phrases(rows: int, seed: int = 0) -> list[str]:
    """Texts in which each word foretells the next one: they go on in the order of `WORDS`."""
    source = random.Random(seed)
    starts = [source.randrange(len(WORDS)) for _ in range(rows)]
    known = WORDS[:-1] * 3
    return [" ".join(known[start : start + source.randint(5, 10)]) for start in starts]


def tiny_model(adaptation: Adaptation | None = None, kind: str = "encoder", seed: int = 0, **head: float) -> TextModel:
    base = tiny_base(kind, seed)
    torch.manual_seed(seed)
    return TextModel(base, ClassifyHead(32, LABELS, ClassifySettings(**head)), adaptation or Full(), LABELS, 16)


def reviews(rows: int, seed: int = 0) -> Corpus:
    """Texts whose label can be read off one of their words."""
    source = random.Random(seed)
    texts, labels = [], []
    for _ in range(rows):
        words = source.choices([w for w in WORDS if w not in {"good", "bad", "很好", "很差"}], k=source.randint(1, 9))
        label = source.choice(LABELS.names)
        if label != "neutral":
            words.insert(source.randrange(len(words) + 1), label)
        texts.append(" ".join(words))
        labels.append(label)
    return corpus_of(texts, labels)


def tiny_task(task: str, rows: int = 60, seed: int = 0) -> tuple[Corpus, LabelSet]:
    """Rows of a task, whose targets can be read off their words, and the labels (or names of the numbers)."""
    if task == "multitask":
        return tiny_tasks(rows, seed)
    corpus = reviews(rows, seed)
    made: dict[str, tuple[LabelSet, list[object]]] = {
        "classify": (LABELS, list(corpus.target or ())),
        "match": (LABELS, list(corpus.target or ())),
        "multilabel": (
            LabelSet(("bank", "fast", "贷款")),
            [tuple(w for w in ("bank", "fast", "贷款") if w in text.split()) for text in corpus.text],
        ),
        "tag": (
            LabelSet(("service", "thing")),
            [
                tuple(
                    Span(found.start(), found.end(), "thing" if found[0] == "loan" else "service")
                    for found in re.finditer("bank card|loan|服务", text)
                )
                for text in corpus.text
            ],
        ),
        "rank": (LabelSet(("relevance",)), [float(text.split().count("bank")) for text in corpus.text]),
        "similarity": (LabelSet(("0", "1")), ["1" if i % 3 else "0" for i in range(rows)]),
        "regress": (LabelSet(("words", "banks")), [(len(t.split()), t.count("bank")) for t in corpus.text]),
    }
    labels, target = made[task]
    if task == "similarity":
        corpus = replace(corpus, pair=reviews(rows, seed + 1).text)
    if task == "rank":
        corpus = replace(corpus, pair=corpus.text, text=["bank"] * rows, group=[str(i // 6) for i in range(rows)])
    return replace(corpus, target=target), labels


PARTS = (("mood", "classify"), ("topics", "multilabel"), ("size", "regress"))


def tiny_tasks(rows: int, seed: int) -> tuple[Corpus, LabelSet]:
    """Rows of several tasks, one after the other."""
    made = {name: tiny_task(kind, rows, seed) for name, kind in PARTS}
    parts = [(name, kind, *made[name]) for name, kind in PARTS]
    texts, targets = [], []
    for row in range(rows):
        name, kind, corpus, _ = parts[row % len(parts)]
        texts.append(corpus.text[row])
        targets.append(TaskTarget(name, kind, (corpus.target or ())[row]))
    labels = [qualified(name, label) for name, _, _, own in parts for label in own.names]
    return corpus_of(texts, targets), LabelSet(tuple(labels))


def head_settings(task: str) -> HeadSettings:
    """The settings of a head; of several tasks, those of `PARTS`."""
    if task != "multitask":
        return HEADS[task]()
    return MultitaskSettings(parts=tuple(TaskPart(name, kind, 1.0, HEADS[kind]()) for name, kind in PARTS))


def tiny_head_model(
    task: str, adaptation: Adaptation | None = None, kind: str = "encoder", *, features: bool = False
) -> TextModel:
    base = open_blank() if kind == "blank" else tiny_base(kind)
    corpus, labels = tiny_task(task)
    torch.manual_seed(0)
    head = head_settings(task).make(base.hidden, labels)
    head.observe(corpus)
    fusion = Fusion(COLUMNS, base.hidden, FusionSettings(width=8)) if features else None
    return TextModel(base, head, adaptation or Full(), labels, 16, fusion=fusion)


COLUMNS = FeatureColumns((NumberColumn("amount", 100.0, 50.0), CategoryColumn("channel", ("branch", "web"))))


def with_columns(corpus: Corpus, seed: int = 0) -> Corpus:
    """The same rows with columns beside the text: an amount, and a channel that training may not have seen."""
    source = random.Random(seed)
    amounts = [source.choice([None, source.gauss(100, 40)]) for _ in range(len(corpus))]
    channels = [source.choice(["branch", "web", "post", None]) for _ in range(len(corpus))]
    return replace(corpus, features={"amount": amounts, "channel": channels})


def tiny_splits(rows: int = 120) -> Splits:
    return Splits(reviews(rows, 1), reviews(40, 2), reviews(40, 3), LABELS, {}, "made")


def read_log(folder: Path) -> list[str]:
    return (folder / "log.jsonl").read_text().splitlines()
