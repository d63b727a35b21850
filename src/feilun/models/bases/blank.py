"""The base that reads no text: its state is zero, and what a model knows it knows from the features."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace
from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn

from feilun.models.bases.base import Base
from feilun.models.bases.packaged import NO_BASE

HIDDEN = 64
MAX_TOKENS = 8192
PADDING, TEXT = "[PAD]", "[TEXT]"


class Blank(nn.Module):
    """Gives each token a state that is zero at first, and has no layers."""

    def __init__(self) -> None:
        super().__init__()
        self.config = SimpleNamespace(model_type="blank", hidden_size=HIDDEN, num_hidden_layers=0)
        self.layers = nn.ModuleList()
        self.words = nn.Embedding(2, HIDDEN)
        nn.init.zeros_(self.words.weight)

    def get_input_embeddings(self) -> nn.Embedding:
        """Return the states of the padding and of the only other token."""
        return self.words

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **_: Any) -> SimpleNamespace:
        """Return states of shape (batch, tokens, hidden), as transformers' models do."""
        return SimpleNamespace(last_hidden_state=self.words(input_ids))


def open_blank() -> Base:
    """Return the base, whose tokenizer turns every text into one and the same token."""
    tokenizer = Tokenizer(WordLevel({PADDING: 0, TEXT: 1}, unk_token=TEXT))
    tokenizer.post_processor = TemplateProcessing(single=TEXT, special_tokens=[(TEXT, 1)])
    digest = hashlib.sha256(b"blank").hexdigest()
    return Base(
        NO_BASE, "blank", "first", "", MAX_TOKENS, 0, (), model=Blank().eval(), tokenizer=tokenizer, sha256=digest
    )
