"""Whether two texts say the same, each read for itself: their vectors are drawn together, those of others apart.

What comes out is an embedder: a vector for each text, near to those of texts that say the same (a bi-encoder; Reimers
and Gurevych 2019).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from feilun.core.corpus import Corpus
from feilun.core.decisions.similarity import SimilarityDecision
from feilun.core.labels import LabelSet
from feilun.core.prediction import Reads
from feilun.core.remark import Remark
from feilun.core.settings import setting
from feilun.models.heads.contrastive import contrastive_loss, no_negatives, ranking_loss
from feilun.models.heads.head import Head, Miner


@dataclass(frozen=True)
class SimilaritySettings:
    """The table `[model.head]` of a `match` recipe with two encoders."""

    loss: Literal["both", "contrastive", "ranking"] = setting(
        "both",
        Remark(
            "contrastive: each text finds its second one among those of the batch; ranking: pairs that are the "
            "same are nearer than pairs that are not; both: their sum",
            "contrastive：每条文本在同一批的第二文本中找出自己的；ranking：同义的比不同义的更近；both：两者之和",
        ),
    )
    temperature: float = setting(
        0.05,
        Remark(
            "divides the cosines in the loss; lower looks at the hardest more", "损失中用它除余弦；越小越看重难分的"
        ),
        above=0,
    )
    symmetric: bool = setting(True, Remark("second texts find their first ones too", "第二文本也要找出自己的第一文本"))
    hard_negatives: int = setting(
        0,
        Remark(
            "second texts of other pairs, hard to tell apart, that each pair gets",
            "每对文本另配多少个难以区分的、别的对的第二文本",
        ),
        minimum=0,
    )
    mined_by: Miner = setting(
        "both",
        Remark(
            "what finds them: shared words (BM25), the model as it is at first, or both",
            "靠什么找它们：共有的词（BM25）、训练之前的模型，或两者",
        ),
    )
    projection: int | None = setting(
        None, Remark("width of the vectors; none: the base's own", "向量的宽度；none：基座原有的宽度"), minimum=1
    )

    def tokenizer(self, tokenizer: Tokenizer) -> Tokenizer:
        """Return the base's own tokenizer."""
        return tokenizer

    def make(self, hidden: int, labels: LabelSet) -> SimilarityHead:
        """Make a fresh head over states of width `hidden`."""
        return SimilarityHead(hidden, labels, self)


class SimilarityHead(Head):
    """The pooled state as it is, or a linear layer over it, with losses over the texts of a batch.

    Args:
        hidden: Width of the pooled state.
        labels: The label of pairs that differ, and that of pairs that say the same.
        settings: Losses and width.
    """

    task: ClassVar[str] = "similarity"
    reads: ClassVar[Reads] = "apart"

    def __init__(self, hidden: int, labels: LabelSet, settings: SimilaritySettings) -> None:
        super().__init__(labels)
        self.settings = settings
        self.linear = None if settings.projection is None else nn.Linear(hidden, settings.projection)
        self.hard_negatives, self.mined_by = settings.hard_negatives, settings.mined_by
        self.decision = SimilarityDecision(settings.projection or hidden)

    def forward(self, pooled: Tensor) -> Tensor:
        """Return vectors of shape (…, size) for pooled states of shape (…, hidden)."""
        if self.linear is None:
            return pooled.clone()  # an output of its own in what is exported
        vectors: Tensor = self.linear(pooled)
        return vectors

    def targets(self, corpus: Corpus) -> Tensor:
        """Return whether the texts say the same, and numbers of both texts and of the group; shape (rows, 4)."""
        second = corpus.pair or ()
        same = self.labels.encode([str(target) for target in corpus.target or ()])
        texts = _numbered([*corpus.text, *second])
        alone = [(i,) for i in range(len(corpus))]  # a row without a group is one of its own
        groups = (
            alone if corpus.group is None else [own or other for own, other in zip(corpus.group, alone, strict=True)]
        )
        columns = [torch.from_numpy(same), texts[: len(corpus)], texts[len(corpus) :], _numbered(groups)]
        return torch.stack(columns, dim=1)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each row, shape (batch,).

        Args:
            logits: The vectors of both texts and of hard negatives, shape (batch, 2 + negatives, size).
            targets: What `targets` returned, shape (batch, 4).
        """
        vectors = functional.normalize(logits, dim=-1)
        first, second, mined = vectors[:, 0], vectors[:, 1], vectors[:, 2:]
        scores = first @ second.T / self.settings.temperature  # (batch, batch)
        same = targets[:, 0] == 1
        losses = torch.zeros_like(scores[:, 0])
        if self.settings.loss != "ranking":
            own = (mined @ first[:, :, None])[:, :, 0] / self.settings.temperature  # (batch, negatives)
            losses = losses + contrastive_loss(scores, own, same, no_negatives(targets))
            if self.settings.symmetric:
                turned = targets[:, [0, 2, 1, 3]]
                losses = (losses + contrastive_loss(scores.T, own[:, :0], same, no_negatives(turned))) / 2
        if self.settings.loss != "contrastive":
            losses = losses + ranking_loss(scores.diagonal(), same)
        return losses


def _numbered(values: Sequence[Hashable]) -> Tensor:
    """Return a number for each value, the same for equal ones, shape (values,)."""
    numbers: dict[Hashable, int] = {}
    return torch.tensor([numbers.setdefault(value, len(numbers)) for value in values], dtype=torch.int64)
