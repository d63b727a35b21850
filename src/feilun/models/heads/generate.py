"""Answers: the base itself writes them; what it learns is to find the known answer likely, token by token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from tokenizers import Tokenizer
from torch import Tensor

from feilun.core.corpus import Corpus
from feilun.core.decisions.generate import GenerateDecision
from feilun.core.errors import BaseModelError
from feilun.core.labels import LabelSet
from feilun.core.prediction import Reads
from feilun.core.remark import Remark
from feilun.core.settings import setting
from feilun.models.bases.base import Base
from feilun.models.heads.head import Head

PLACE = "{text}"
LARGEST_FILE = 2**31 - 1
"""Bytes of a protocol buffer; said before training, not after it."""

HEAD_MULTIPLE = 16
"""Of the size of a head, in ONNX Runtime's `GroupQueryAttention`."""

WRITTEN = ("llama", "mistral", "qwen2", "qwen3", "gemma3_text")
"""Families of language models whose bundles can be written; `compression/graphs/decoder.py` knows their layers."""


@dataclass(frozen=True)
class GenerateSettings:
    """The table `[model.head]` of a `generate` recipe."""

    template: str | None = setting(
        None,
        Remark(
            "what the prompt says, {text} standing for the text; none: the text alone, or with a line break behind it",
            "提示词的写法，{text} 代表文本；none：只有文本，或后面加一个换行",
        ),
    )
    turns: bool = setting(
        True,
        Remark(
            "put the prompt as a turn of a conversation, where the base was trained on such",
            "基座受过对话训练时，把提示词作为对话的一轮",
        ),
    )
    max_new_tokens: int = setting(
        64,
        Remark(
            "longest answer; model.max_tokens holds prompt and answer",
            "回答的最大长度；model.max_tokens 包括提示词和回答",
        ),
        minimum=1,
    )
    temperature: float = setting(
        0.0,
        Remark(
            "divides the logits before a token is drawn; 0 takes the likeliest",
            "抽取词元之前用它除 logits；0 取最可能的",
        ),
        minimum=0,
    )
    top_p: float = setting(
        1.0,
        Remark("draws from the likeliest tokens that hold this share", "只从合计占此比例的最可能的词元中抽取"),
        above=0,
        maximum=1,
    )
    stop: tuple[str, ...] = setting(
        (), Remark("texts at which an answer ends; they are no part of it", "遇到这些文字回答即结束；它们不算在回答里")
    )

    def contradictions(self) -> list[str]:
        """Say what cannot be."""
        found: list[str] = []
        if self.template is not None and self.template.count(PLACE) != 1:
            found.append(
                Remark(
                    f"model.head.template must hold {PLACE} once: it is {self.template!r}.",
                    f"model.head.template 中必须恰有一个 {PLACE}：现在是 {self.template!r}。",
                )
            )
        if "" in self.stop:
            found.append(
                Remark(
                    'model.head.stop holds "", at which every answer would end before it begins.',
                    'model.head.stop 中有 ""：那样每个答案还没开始就结束了。',
                )
            )
        return found

    def tokenizer(self, tokenizer: Tokenizer) -> Tokenizer:
        """Return the base's own tokenizer."""
        return tokenizer

    def make(self, hidden: int, labels: LabelSet) -> GenerateHead:
        """Make the head."""
        return GenerateHead(labels, self)

    def decision(self, base: Base) -> GenerateDecision:
        """Return how a base answers by these settings.

        Raises:
            BaseModelError: If the base is no language model, or none that a bundle can be made of.
        """
        refuse_unless_it_writes(base)
        turns = base.turns if self.turns else None
        before, _, after = (self.template or (PLACE if turns else f"{PLACE}\n")).partition(PLACE)
        if turns is not None:
            before, after = turns.unsaid + turns.user[0] + before, after + turns.user[1] + turns.answer
        return GenerateDecision(
            before, after, turns, ends_of(base), self.max_new_tokens, self.temperature, self.top_p, self.stop
        )


class GenerateHead(Head):
    """No layer of its own: the base's output matrix, mostly its word embeddings, gives the logits.

    Args:
        labels: None; answers have no labels.
        settings: How prompts are put and answers written.
    """

    task: ClassVar[str] = "generate"
    reads: ClassVar[Reads] = "answers"

    def __init__(self, labels: LabelSet, settings: GenerateSettings) -> None:
        super().__init__(labels)
        self.settings = settings

    def meet(self, base: Base) -> None:
        """Learn from the base what stands around its prompts and what ends its answers."""
        self.decision = self.settings.decision(base)

    def forward(self, surprise: Tensor) -> Tensor:
        """Return what it is given: surprise and tokens of each row's answer, shape (rows, 2)."""
        return surprise

    def targets(self, corpus: Corpus) -> Tensor:
        """Return nothing to compare with, shape (rows, 0): the answers are read with their prompts."""
        return torch.empty(len(corpus), 0)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each row, shape (batch,): their mean is the mean over the tokens of the batch."""
        return logits[:, 0] * len(logits) / logits[:, 1].sum()


def refuse_unless_it_writes(base: Base) -> None:
    """Refuse a base that cannot write answers.

    Raises:
        BaseModelError: If it is an encoder, of a family that bundles do not know, or has an output matrix of its own.
    """
    config: Any = base.model.config
    remedy = Remark(
        "Choose another in model.base: smollm2-135m (English), gemma3-270m (Chinese, too), or a Qwen or Llama.",
        "请在 model.base 中另选：smollm2-135m（英文）、gemma3-270m（也支持中文），或某个 Qwen 或 Llama。",
    )
    if base.kind != "causal":
        raise BaseModelError(
            Remark(
                f"The base {base.name} reads texts and writes none: it is an encoder.",
                f"基座 {base.name} 只读文本，不写文本：它是编码器。",
            ),
            remedy,
        )
    if config.model_type not in WRITTEN:
        raise BaseModelError(
            Remark(
                f"The base {base.name} is a {config.model_type} model; generate knows {', '.join(WRITTEN)}.",
                f"基座 {base.name} 是 {config.model_type} 模型；generate 支持 {'、'.join(WRITTEN)}。",
            ),
            remedy,
        )
    numbers = sum(weight.numel() for weight in base.model.parameters())
    if 4 * numbers > LARGEST_FILE:
        raise BaseModelError(
            Remark(
                f"The base {base.name} has {4 * numbers / 1e9:.1f} GB of float32 weights; one ONNX file holds 2 GB.",
                f"基座 {base.name} 的 float32 权重有 {4 * numbers / 1e9:.1f} GB；一个 ONNX 文件最多 2 GB。",
            ),
            remedy,
        )
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    if size % HEAD_MULTIPLE:
        raise BaseModelError(
            Remark(
                f"The base {base.name} has heads of {size} numbers; ONNX Runtime wants multiples of {HEAD_MULTIPLE}.",
                f"基座 {base.name} 的注意力头宽 {size}；ONNX Runtime 要求是 {HEAD_MULTIPLE} 的倍数。",
            ),
            remedy,
        )
    if not getattr(config, "tie_word_embeddings", True) and base.output is None:
        raise BaseModelError(
            Remark(
                f"The base {base.name} should have an output matrix beside its word embeddings, and comes without.",
                f"基座 {base.name} 在词嵌入之外应另有输出矩阵，却没有。",
            ),
            remedy,
        )


def ends_of(base: Base) -> tuple[int, ...]:
    """Return the ids of the tokens that end an answer: what the base says, the end of a turn first where it has one."""
    config: Any = base.model.config
    known = config.eos_token_id
    ends = [int(end) for end in (known if isinstance(known, (list, tuple)) else [known]) if end is not None]
    if base.turns is not None:
        closing = base.tokenizer.encode(base.turns.assistant[1].strip(), add_special_tokens=False).ids
        ends = [*closing[:1], *ends]
    if not ends:
        raise BaseModelError(
            Remark(
                f"The base {base.name} does not say which token ends a text.",
                f"基座 {base.name} 没有说明哪个词元结束文本。",
            ),
            Remark("Choose another base.", "请选择另一个基座。"),
        )
    return tuple(dict.fromkeys(ends))
