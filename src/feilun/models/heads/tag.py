"""Spans of a text: a linear layer over each token's state, whose tags begin, go on with, or are outside of spans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from feilun.core.corpus import Corpus
from feilun.core.errors import UsageError
from feilun.core.labels import LabelSet
from feilun.core.prediction import Reads
from feilun.core.settings import setting
from feilun.core.spans import Span
from feilun.models.heads.head import Head
from feilun.text.single_characters import reading_characters
from feilun.text.windows import windows

IGNORED = -100
"""Target of tokens that do not count: padding, special tokens, and what another window answers for."""


@dataclass(frozen=True)
class TagSettings:
    """The table `[model.head]` of a `tag` recipe."""

    dropout: float = setting(0.1, "share of each token's state set to zero while training", minimum=0, below=1)
    label_smoothing: float = setting(0.0, "share of the target spread over all tags", minimum=0, below=1)
    characters: bool = setting(
        True, "read Chinese characters and punctuation one by one, so that a span can begin and end at each"
    )

    def tokenizer(self, tokenizer: Tokenizer) -> Tokenizer:
        """Return the tokenizer that the head wants."""
        return reading_characters(tokenizer) if self.characters else tokenizer

    def make(self, hidden: int, labels: LabelSet) -> TagHead:
        """Make a fresh head over states of width `hidden`."""
        return TagHead(hidden, labels, self)


class TagHead(Head):
    """A linear layer over the tokens' states, with cross-entropy.

    Args:
        hidden: Width of a token's state.
        labels: Labels of the spans.
        settings: Dropout and loss.
    """

    task: ClassVar[str] = "tag"
    reads: ClassVar[Reads] = "tokens"

    def __init__(self, hidden: int, labels: LabelSet, settings: TagSettings) -> None:
        super().__init__(labels)
        self.settings = settings
        self.dropout = nn.Dropout(settings.dropout)
        self.linear = nn.Linear(hidden, self.decision.width(len(labels)))
        nn.init.zeros_(self.linear.bias)

    def forward(self, states: Tensor) -> Tensor:
        """Return logits of shape (batch, tokens, tags) for states of shape (batch, tokens, hidden)."""
        logits: Tensor = self.linear(self.dropout(states))
        return logits

    def targets(self, corpus: Corpus) -> Tensor:
        """Return the tag of each token of each text's first window, shape (rows, longest); `IGNORED` elsewhere."""
        if self.encoder is None:
            raise UsageError("A tag head needs the tokenizer of its model.", "Put it into a TextModel first.")
        found = windows(self.encoder, corpus.text)
        targets = torch.full((len(corpus), max((len(found.rows[i]) for i in found.first), default=0)), IGNORED)
        for row, (i, spans) in enumerate(zip(found.first, corpus.target or (), strict=True)):
            counts = found.offsets[i][:, 0] < found.offsets[i][:, 1]
            tags = torch.from_numpy(tags_of(found.offsets[i][counts], spans, self.labels))
            targets[row, torch.from_numpy(np.flatnonzero(counts))] = tags
        return targets

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each row, shape (batch,): the mean over its tokens."""
        own = targets[:, : logits.shape[1]]  # (batch, tokens)
        losses = functional.cross_entropy(
            logits.transpose(1, 2), own, ignore_index=IGNORED, reduction="none",
            label_smoothing=self.settings.label_smoothing,
        )  # fmt: skip
        return losses.sum(1) / (own != IGNORED).sum(1).clamp(min=1)


def tags_of(offsets: NDArray[np.int64], spans: tuple[Span, ...], labels: LabelSet) -> NDArray[np.int64]:
    """Return the tag of each token: 0 outside of spans, else that of the span that holds most of its characters.

    Args:
        offsets: Characters of each token, shape (tokens, 2).
        spans: The spans, which do not overlap.
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
