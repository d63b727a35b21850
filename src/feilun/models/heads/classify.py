"""One label of many: a linear layer over the pooled state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from feilun.core.corpus import Corpus
from feilun.core.errors import UsageError, nearest
from feilun.core.labels import LabelSet
from feilun.core.prediction import Decision
from feilun.core.remark import Remark, said_in
from feilun.core.settings import setting
from feilun.models.heads.linear import LinearHead


@dataclass(frozen=True)
class ClassifySettings:
    """The table `[model.head]` of a `classify` recipe."""

    dropout: float = setting(
        0.1,
        Remark("share of the pooled state set to zero while training", "训练时汇集状态中置零的比例"),
        minimum=0,
        below=1,
    )
    label_smoothing: float = setting(
        0.0, Remark("share of the target spread over all labels", "目标中均摊到所有标签的比例"), minimum=0, below=1
    )
    class_weights: Literal["none", "balanced"] = setting(
        "none", Remark("balanced: rare labels weigh more in the loss", "balanced：少见的标签在损失中权重更大")
    )
    focal_gamma: float = setting(
        0.0,
        Remark(
            "above 0: focal loss, easy rows weigh less (Lin et al. 2017)",
            "大于 0：focal loss，容易的行权重更小（Lin 等 2017）",
        ),
        minimum=0,
    )
    out_of_scope: str | None = setting(
        None,
        Remark(
            "the label of texts that no other label fits; texts to which no other label is likely get it, too",
            "不属于任何其他标签的文本的标签；模型对哪个标签都没把握的文本也归它",
        ),
    )
    scope_lost: float = setting(
        0.01, Remark(
            "share of the texts within the scope that this may cost their right label, on validation rows",
            "范围内的文本最多有多大比例因此失去正确标签，按验证行计",
        ),
        minimum=0, below=1,
    )  # fmt: skip

    def tokenizer(self, tokenizer: Tokenizer) -> Tokenizer:
        """Return the base's own tokenizer."""
        return tokenizer

    def make(self, hidden: int, labels: LabelSet) -> ClassifyHead:
        """Make a fresh head over states of width `hidden`."""
        return ClassifyHead(hidden, labels, self)


class ClassifyHead(LinearHead):
    """A linear layer over the pooled state, with cross-entropy.

    Args:
        hidden: Width of the pooled state.
        labels: The classes.
        settings: Dropout and loss.
    """

    task: ClassVar[str] = "classify"
    decision: Decision

    def __init__(self, hidden: int, labels: LabelSet, settings: ClassifySettings) -> None:
        super().__init__(hidden, labels, settings.dropout)
        self.settings = settings
        if settings.out_of_scope is not None:
            refuse_unless_known(settings.out_of_scope, labels)
            self.decision = replace(self.decision, out_of_scope=settings.out_of_scope, scope_lost=settings.scope_lost)

    def observe(self, train: Corpus) -> None:
        """Take the class weights from the training rows, where they are asked for."""
        if self.settings.class_weights == "balanced":
            counts = torch.bincount(self.targets(train), minlength=len(self.labels)).clamp(min=1)
            self.weights = len(train) / (len(self.labels) * counts.float())

    def targets(self, corpus: Corpus) -> Tensor:
        """Return class indices of shape (rows,)."""
        assert corpus.target is not None  # noqa: S101 - prepare() refuses rows without target
        return torch.from_numpy(self.labels.encode(corpus.target))

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each row, shape (batch,)."""
        weights = None if self.weights is None else self.weights.to(logits.device)
        smoothing = self.settings.label_smoothing
        losses = functional.cross_entropy(logits, targets, weights, reduction="none", label_smoothing=smoothing)
        if self.settings.focal_gamma > 0:
            certainty = logits.softmax(1).gather(1, targets[:, None])[:, 0]
            losses = losses * (1 - certainty) ** self.settings.focal_gamma
        return losses


def refuse_unless_known(out_of_scope: str, labels: LabelSet) -> None:
    """Refuse a label of texts out of scope that no training row has.

    Raises:
        UsageError: If it is none of the labels.
    """
    if out_of_scope not in labels.names:
        raise UsageError(
            Remark(
                f"model.head.out_of_scope is {out_of_scope!r}, which no training row has. "
                f"{nearest(out_of_scope, labels.names)}",
                f"model.head.out_of_scope 是 {out_of_scope!r}，"
                "但没有一个训练行带这个标签。"
                f"{said_in('zh', nearest(out_of_scope, labels.names))}",
            ),
            Remark(
                "Give some rows that label, or leave the setting out and let evaluation.wanted_accuracy hand texts "
                "over.",
                "请给一些行标上它；或不写这项设置，用 evaluation.wanted_accuracy 把文本转给人工。",
            ),
        )
