"""Spans of a text: a linear layer over each token's state, whose tags begin, go on with, or are outside of spans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from feilun.core.corpus import Corpus
from feilun.core.decisions.linear_chain import possible_steps
from feilun.core.decisions.tag import TagDecision
from feilun.core.errors import UsageError
from feilun.core.labels import LabelSet
from feilun.core.prediction import Reads
from feilun.core.remark import Remark
from feilun.core.settings import setting
from feilun.core.spans import Span
from feilun.models.heads.head import Head
from feilun.models.heads.linear_chain import IMPOSSIBLE, surprise_of_paths
from feilun.text.single_characters import reading_characters
from feilun.text.windows import Windows, windows

IGNORED = -100
"""Target of tokens that do not count: padding, special tokens, and what another window answers for."""


@dataclass(frozen=True)
class TagSettings:
    """The table `[model.head]` of a `tag` recipe."""

    dropout: float = setting(
        0.1,
        Remark("share of each token's state set to zero while training", "训练时每个词元状态中置零的比例"),
        minimum=0,
        below=1,
    )
    label_smoothing: float = setting(
        0.0, Remark("share of the target spread over all tags", "目标中均摊到所有标记的比例"), minimum=0, below=1
    )
    characters: bool = setting(
        True,
        Remark(
            "read Chinese characters and punctuation one by one, so that a span can begin and end at each",
            "中文字和标点逐个读，片段可以从任意一个开始和结束",
        ),
    )
    transitions: bool = setting(
        True,
        Remark(
            "learn which tag stands behind which, beside each token's own (linear-chain CRF)",
            "除各词元自身外，还学习哪个标记接在哪个后面（线性链 CRF）",
        ),
    )

    def contradictions(self) -> list[str]:
        """Say which settings exclude each other."""
        if self.transitions and self.label_smoothing:
            return [
                Remark(
                    "model.head.label_smoothing smooths single tags: it needs model.head.transitions = false.",
                    "model.head.label_smoothing 平滑的是单个标记：需要 model.head.transitions = false。",
                )
            ]
        return []

    def tokenizer(self, tokenizer: Tokenizer) -> Tokenizer:
        """Return the tokenizer that the head wants."""
        return reading_characters(tokenizer) if self.characters else tokenizer

    def make(self, hidden: int, labels: LabelSet) -> TagHead:
        """Make a fresh head over states of width `hidden`."""
        return TagHead(hidden, labels, self)


class TagHead(Head):
    """A linear layer over the tokens' states, with cross-entropy, or the likelihood of the whole sequence of tags.

    Args:
        hidden: Width of a token's state.
        labels: Labels of the spans.
        settings: Dropout and loss.
    """

    task: ClassVar[str] = "tag"
    reads: ClassVar[Reads] = "tokens"
    pace: float = 60.0
    base_pace: ClassVar[float] = 2.5
    decision: TagDecision
    possible: Tensor

    def __init__(self, hidden: int, labels: LabelSet, settings: TagSettings) -> None:
        super().__init__(labels)
        self.settings = settings
        tags = self.decision.width(len(labels))
        self.dropout = nn.Dropout(settings.dropout)
        self.linear = nn.Linear(hidden, tags)
        nn.init.zeros_(self.linear.bias)
        self.transitions = nn.Parameter(torch.zeros(tags, tags)) if settings.transitions else None
        self.register_buffer("possible", torch.from_numpy(possible_steps(tags)), persistent=False)

    def first_biases(self, train: Corpus) -> Tensor:
        """Return the logarithm of the share of each tag among the tokens of the training rows, shape (tags,).

        Most tokens are outside of spans, which the first steps then need not learn.
        """
        targets = self.targets(train)
        counts = torch.bincount(targets[targets != IGNORED], minlength=len(self.linear.bias)) + 1
        return (counts / counts.sum()).log()

    def forward(self, states: Tensor) -> Tensor:
        """Return logits of shape (batch, tokens, tags) for states of shape (batch, tokens, hidden)."""
        logits: Tensor = self.linear(self.dropout(states))
        return logits

    def learnt(self) -> TagDecision:
        """Return the decision with the transitions as they stand."""
        if self.transitions is None:
            return self.decision
        rows = self.transitions.detach().cpu().double().tolist()
        return replace(self.decision, transitions=tuple(map(tuple, rows)))

    def remarks(self, train: Corpus) -> list[Remark]:
        """Say how many spans hold no token of their own, and so teach nothing."""
        targets = self.targets(train)
        begun = int(((targets > 0) & (targets % 2 == 1)).sum())
        marked = sum(map(len, train.target or ()))
        if begun == marked:
            return []
        left = Remark(
            f"Of {marked:,} spans in the training rows {marked - begun:,} hold no token of their own, so the model "
            "does not learn from them.",
            f"训练行的 {marked:,} 个片段中，有 {marked - begun:,} 个不含自己的词元，模型学不到它们。",
        )
        return [left]

    def ids(self, corpus: Corpus) -> Sequence[str]:
        """Return the id of the text of each window."""
        return [corpus.id[text] for text in self._windows(corpus).text_of]

    def targets(self, corpus: Corpus) -> Tensor:
        """Return the tag of each token that a window answers for, shape (windows, longest); `IGNORED` elsewhere."""
        found = self._windows(corpus)
        targets = torch.full((len(found.rows), max(map(len, found.rows), default=0)), IGNORED)
        for own, spans in zip(found.of_text, corpus.target or (), strict=True):
            tags = tags_of(np.concatenate([found.offsets[i][found.kept[i]] for i in own]), spans, self.labels)
            parts = np.split(tags, np.cumsum([found.kept[i].sum() for i in own])[:-1])
            for i, part in zip(own, parts, strict=True):
                targets[i, torch.from_numpy(np.flatnonzero(found.kept[i]))] = torch.from_numpy(part)
        return targets

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each row, shape (batch,): the mean over its tokens."""
        own = targets[:, : logits.shape[1]]  # (batch, tokens)
        counts = (own != IGNORED).sum(1)
        losses = self._of_tokens(logits, own) if self.transitions is None else self._of_sequences(logits, own, counts)
        return losses / counts.clamp(min=1)

    def _windows(self, corpus: Corpus) -> Windows:
        if self.encoder is None:
            raise UsageError(
                Remark("A tag head needs the tokenizer of its model.", "tag 头需要其模型的分词器。"),
                Remark("Put it into a TextModel first.", "请先把它放进 TextModel。"),
            )
        return windows(self.encoder, corpus.text)

    def _of_tokens(self, logits: Tensor, targets: Tensor) -> Tensor:
        return functional.cross_entropy(
            logits.transpose(1, 2), targets, ignore_index=IGNORED, reduction="none",
            label_smoothing=self.settings.label_smoothing,
        ).sum(1)  # fmt: skip

    def _of_sequences(self, logits: Tensor, targets: Tensor, counts: Tensor) -> Tensor:
        assert self.transitions is not None  # noqa: S101 - asked before
        others = (targets == IGNORED).to(torch.int8)
        first = others.argsort(dim=1, stable=True)  # (batch, tokens): those that count, then the others
        scores = logits.gather(1, first[:, :, None].expand_as(logits))
        transitions = self.transitions.masked_fill(~self.possible, IMPOSSIBLE)
        return surprise_of_paths(scores, targets.gather(1, first).clamp(min=0), counts, transitions)


def tags_of(offsets: NDArray[np.int64], spans: tuple[Span, ...], labels: LabelSet) -> NDArray[np.int64]:
    """Return the tag of each token: 0 outside of spans, else that of the span that holds most of its characters.

    Args:
        offsets: Characters of each token, shape (tokens, 2).
        spans: The spans in their order, which do not overlap.
        labels: Labels of the spans.

    Returns:
        Shape (tokens,); a token that belongs to a span by less than half of its characters is outside.
    """
    tags = np.zeros(len(offsets), dtype=np.int64)
    starts, ends = offsets.T
    for span, label in zip(spans, labels.encode([span.label for span in spans]).tolist(), strict=True):
        shared = np.minimum(ends, span.end) - np.maximum(starts, span.start)
        inside = np.flatnonzero(2 * shared >= ends - starts)
        if len(inside):
            tags[inside] = 2 * label + 2
            tags[inside[0]] = 2 * label + 1
    return tags
