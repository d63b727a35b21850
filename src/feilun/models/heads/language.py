"""Language modelling: the texts themselves say what is right, so that a base learns its domain without a label."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from tokenizers import Tokenizer
from torch import Tensor

from feilun.core.corpus import Corpus
from feilun.core.labels import LabelSet
from feilun.models.answers import surprise
from feilun.models.heads.head import Head
from feilun.models.masking import Passage, passages_of
from feilun.text.prompts import Example

if TYPE_CHECKING:
    from feilun.models.text_model import TextModel


class LanguageHead(Head):
    """Foretells tokens of the texts that are read: judged as written answers are, by perplexity."""

    task: ClassVar[str] = "generate"

    @abstractmethod
    def surprise(self, model: TextModel, rows: Sequence[int], passages: Sequence[Passage]) -> Tensor:
        """Run the base and foretell tokens.

        Args:
            model: The model that the head is of.
            rows: Numbers of the rows.
            passages: Their passages.

        Returns:
            Of each row the negative log likelihood of the foretold tokens and their number, shape (rows, 2).
        """

    def passages(self, corpus: Corpus) -> list[Passage]:
        """Return the rows of a corpus as passages."""
        assert self.encoder is not None  # noqa: S101 - the model gives it
        return passages_of(corpus.text, self.encoder)

    def forward(self, surprise: Tensor) -> Tensor:
        """Return what it is given: surprise and number of the foretold tokens of each row, shape (rows, 2)."""
        return surprise

    def targets(self, corpus: Corpus) -> Tensor:
        """Return nothing to compare with, shape (rows, 0): the texts themselves say what is right."""
        return torch.empty(len(corpus), 0)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each row, shape (batch,): their mean is the mean over the foretold tokens."""
        return logits[:, 0] * len(logits) / logits[:, 1].sum().clamp(min=1)


@dataclass(frozen=True)
class NextTokenSettings:
    """Makes the head of a causal base."""

    def tokenizer(self, tokenizer: Tokenizer) -> Tokenizer:
        """Return the base's own tokenizer."""
        return tokenizer

    def make(self, hidden: int, labels: LabelSet) -> NextTokenHead:
        """Make the head."""
        return NextTokenHead(labels)


class NextTokenHead(LanguageHead):
    """Foretells every token from those before it; the base's own output matrix gives the logits."""

    def surprise(self, model: TextModel, rows: Sequence[int], passages: Sequence[Passage]) -> Tensor:
        """Foretell every token but the first, shape (rows, 2)."""
        return surprise(model, [Example(passage.ids, len(passage.ids) - 1) for passage in passages])
