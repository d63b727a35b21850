"""A pretrained model without a task head."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from tokenizers import Tokenizer

from feilun.core.decisions.generate import Turns
from feilun.core.errors import BaseModelError
from feilun.core.remark import Remark

if TYPE_CHECKING:
    from torch import Tensor, nn

Kind = Literal["encoder", "causal", "blank"]
Pooling = Literal["mean", "first", "last"]


@dataclass(frozen=True)
class BaseFacts:
    """What is to be known of a base beside its weights; kept in `feilun_base.json`.

    Args:
        name: Packaged name, hub id or folder.
        kind: encoder (reads both ways), causal (a language model), or blank (reads no text).
        pooling: How the states of the tokens become one state a text.
        prefix: What stands before every text.
        max_tokens: Longest sequence that the model reads, special tokens included.
        pad_id: Id of the padding token.
        languages: ISO 639-1 codes of its main languages; empty where unknown.
        licence: Name of the licence.
    """

    name: str
    kind: Kind
    pooling: Pooling
    prefix: str
    max_tokens: int
    pad_id: int
    languages: tuple[str, ...]
    licence: str = ""

    def fields(self) -> dict[str, Any]:
        """Return them by name."""
        return {field.name: getattr(self, field.name) for field in fields(BaseFacts)}


@dataclass(frozen=True, kw_only=True)
class Base(BaseFacts):
    """A pretrained model, opened: weights in float32, in evaluation mode, without a task head.

    Args:
        model: A transformers model whose output has `last_hidden_state` of shape (batch, tokens, hidden).
        tokenizer: Adds the special tokens that the model wants; a text never comes to no token at all.
        sha256: Hash of weights and tokenizer: two bases of one hash are the same.
        turns: What it was trained to see around the turns of a conversation; None where it knows none.
        output: From states to logits of the next token, shape (vocabulary, hidden), where that is not the table of
            word embeddings.
    """

    model: nn.Module
    tokenizer: Tokenizer
    sha256: str
    turns: Turns | None = None
    output: Tensor | None = None

    @property
    def hidden(self) -> int:
        """Return the width of the states."""
        return int(self.model.config.hidden_size)  # type: ignore[union-attr, arg-type]

    @property
    def layers(self) -> nn.ModuleList:
        """Return the transformer layers, lowest first.

        Raises:
            BaseModelError: If the model shares one layer among all depths, or hides them.
        """
        from torch import nn

        depth = int(self.model.config.num_hidden_layers)  # type: ignore[union-attr, arg-type]
        for module in self.model.modules():
            if isinstance(module, nn.ModuleList) and len(module) == depth:
                return module
        raise BaseModelError(
            Remark(
                f"The base {self.name} has no list of {depth} layers.",
                f"基座 {self.name} 没有由 {depth} 层组成的列表。",
            ),
            Remark('Use model.adaptation.kind = "full" with it.', '请对它使用 model.adaptation.kind = "full"。'),
        )

    @property
    def facts(self) -> BaseFacts:
        """Return what is kept beside weights and tokenizer."""
        return BaseFacts(**self.fields())
