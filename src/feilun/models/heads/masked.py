"""Masked language modelling: an encoder foretells hidden words from what stands around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn

from feilun.core.labels import LabelSet
from feilun.models.answers import token_losses
from feilun.models.bases.base import Base
from feilun.models.heads.language import LanguageHead
from feilun.models.masking import Masking, MaskSettings, Passage, mask_id

if TYPE_CHECKING:
    from feilun.models.text_model import TextModel


FIRST_SCALE = 0.3
"""Scale of a fresh head's states: at 1 they drown the frequencies of the tokens (minilm-l6-en on financial texts:
perplexity 3,237 before it learned anything, 1,448 at 0.3; the frequencies alone 1,530)."""


@dataclass(frozen=True)
class MaskedSettings:
    """Makes the head of an encoder.

    Args:
        masking: What is hidden.
        seed: Seeds the masks.
    """

    masking: MaskSettings
    seed: int

    def tokenizer(self, tokenizer: Tokenizer) -> Tokenizer:
        """Return the base's own tokenizer."""
        return tokenizer

    def make(self, hidden: int, labels: LabelSet) -> MaskedHead:
        """Make the head."""
        return MaskedHead(hidden, labels, self)


class MaskedHead(LanguageHead):
    """Moves a hidden token's state and compares it with the word embeddings, which are the base's own.

    Bases come without the decoder that they were pretrained with. Its transform begins as the identity, and its biases,
    once `observe_tokens` was called, as how frequent each token is: so a fresh head foretells what a count of tokens
    would, and the base need not unlearn it.

    Args:
        hidden: Width of the states.
        labels: None; texts have no labels here.
        settings: What is hidden.
    """

    def __init__(self, hidden: int, labels: LabelSet, settings: MaskedSettings) -> None:
        super().__init__(labels)
        self.settings = settings
        self.dense = nn.Linear(hidden, hidden)
        self.norm = nn.LayerNorm(hidden)
        nn.init.eye_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)
        nn.init.constant_(self.norm.weight, FIRST_SCALE)
        self.step: int | None = None

    def meet(self, base: Base) -> None:
        """Learn how many tokens there are, and which one stands for a hidden one."""
        words: nn.Embedding = base.model.get_input_embeddings()  # type: ignore[operator]
        self.bias = nn.Parameter(torch.zeros(words.num_embeddings))
        mask, tokens = mask_id(base.tokenizer, base.name), base.tokenizer.get_vocab_size()
        self.masking = Masking(self.settings.masking, mask, tokens, self.settings.seed)

    def observe_tokens(self, passages: Sequence[Passage]) -> None:
        """Begin with the frequencies of the tokens: the biases become their logarithms, one added to each count."""
        counts = np.ones(len(self.bias))
        for passage in passages:
            np.add.at(counts, passage.ids, 1)
        with torch.no_grad():
            self.bias.copy_(torch.from_numpy(np.log(counts / counts.sum())))

    def before_step(self, step: int) -> None:
        """Remember the step, which decides the masks."""
        self.step = step

    def surprise(self, model: TextModel, rows: Sequence[int], passages: Sequence[Passage]) -> Tensor:
        """Hide tokens and foretell them, shape (rows, 2); logits are computed where one is hidden, only."""
        step = self.step if self.training else None
        read: list[list[int]] = []
        places: list[NDArray[np.int64]] = []
        for row, passage in zip(rows, passages, strict=True):
            ids, hidden_places = self.masking.hide(passage, row, step)
            read.append(ids)
            places.append(hidden_places)
        counts = torch.tensor([len(own) for own in places], device=model.device)
        of_row = torch.arange(len(rows), device=model.device).repeat_interleave(counts)
        columns = torch.from_numpy(np.concatenate(places)).to(model.device)
        tokens = torch.tensor(
            [passage.ids[place] for passage, own in zip(passages, places, strict=True) for place in own],
            dtype=torch.long, device=model.device,
        )  # fmt: skip
        hidden, _ = model.hidden(read)  # (rows, tokens, hidden)
        states = self.norm(self.dense(hidden[of_row, columns].float()))  # (hidden tokens, hidden)
        losses = token_losses(model, states, tokens, self.bias)  # (hidden tokens,)
        return torch.stack([losses.new_zeros(len(rows)).index_add(0, of_row, losses), counts.float()], dim=1)
