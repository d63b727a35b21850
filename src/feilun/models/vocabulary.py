"""Trims a base's vocabulary to the pieces of the languages at hand, so that the model becomes a fraction of its size.

Most of a multilingual model is embeddings of pieces that a given company never meets. Text whose pieces are all kept is
cut into the same pieces as before (trimmed_tokenizer.py says why), so its logits are equal.
Idea: Abdaoui et al. 2020, "Load What You Need: Smaller Versions of Multilingual BERT".
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.remark import Remark
from feilun.models.bases.base import Base
from feilun.models.trimmed_tokenizer import trim_tokenizer

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class TrimReport:
    """What trimming kept.

    Args:
        languages: The declared languages.
        pieces_before: Pieces of the vocabulary before.
        pieces_kept: Pieces after.
        outside_pieces: Kept pieces that belong to no declared language but occur in the given texts.
        outside_tokens: How often those occur there.
        parameters_before: Weights of the model before.
        parameters_after: Weights after.
    """

    languages: tuple[str, ...]
    pieces_before: int
    pieces_kept: int
    outside_pieces: int
    outside_tokens: int
    parameters_before: int
    parameters_after: int

    def sentence(self) -> Remark:
        """Return the report as one or two sentences."""
        left, before = self.parameters_after / 1e6, self.parameters_before / 1e6
        kept = Remark(
            f"The vocabulary was trimmed to {', '.join(self.languages)}: {self.pieces_kept:,} of "
            f"{self.pieces_before:,} pieces; {left:.1f} M of {before:.1f} M weights are left.",
            f"词表已裁剪到 {'、'.join(self.languages)}：保留 {self.pieces_before:,} 个词元中的 {self.pieces_kept:,} 个"
            f"；{before:.1f} M 个参数剩下 {left:.1f} M。",
        )
        if not self.outside_pieces:
            return kept
        return Remark(
            f"{kept} {self.outside_pieces:,} further pieces occur in the texts ({self.outside_tokens:,} times) "
            "and were kept.",
            f"{kept.chinese}文本中另有 {self.outside_pieces:,} 个词元（出现 {self.outside_tokens:,} 次），也已保留。",
        )


def trim(base: Base, languages: Sequence[str], texts: Sequence[str]) -> tuple[Base, TrimReport]:
    """Keep the pieces of the declared languages and those that the given texts use.

    Args:
        base: The base; it is left as it is.
        languages: ISO 639-1 codes.
        texts: Texts whose every piece is kept, whatever its language.

    Returns:
        A base with a smaller vocabulary, and what was kept.

    Raises:
        BaseModelError: If the numbers of the tokenizer's pieces have gaps.
        UsageError: If a language is unknown.
    """
    found = trim_tokenizer(base.tokenizer, base.prefix, base.name, languages, texts)
    model = _trim_model(base.model, found.kept, found.new_ids)
    content = base.sha256.encode() + found.kept.astype("<i8").tobytes()
    trimmed = replace(
        base, model=model, tokenizer=found.tokenizer, pad_id=found.new_ids[base.pad_id], languages=tuple(languages),
        sha256=hashlib.sha256(content).hexdigest(),
    )  # fmt: skip
    return trimmed, TrimReport(
        languages=tuple(languages),
        pieces_before=found.before,
        pieces_kept=len(found.kept),
        outside_pieces=found.outside_pieces,
        outside_tokens=found.outside_tokens,
        parameters_before=_parameters(base.model),
        parameters_after=_parameters(model),
    )


def _trim_model(model: nn.Module, kept: NDArray[np.int64], new_ids: Mapping[int, int]) -> nn.Module:
    """Return a copy of the model whose word embeddings have the kept rows alone."""
    import torch
    from torch import nn

    embeddings: nn.Embedding = model.get_input_embeddings()  # type: ignore[operator]
    whole = embeddings.weight  # (pieces, hidden)
    copied = copy.deepcopy(model, {id(whole): whole})  # shares the large table until it is replaced
    smaller = copied.get_input_embeddings()  # type: ignore[operator]
    rows = whole.detach()[torch.from_numpy(kept)].clone()  # (kept, hidden)
    smaller.weight = nn.Parameter(rows, requires_grad=whole.requires_grad)
    smaller.num_embeddings = len(kept)
    if smaller.padding_idx is not None:
        smaller.padding_idx = new_ids.get(smaller.padding_idx)
    config: Any = copied.config
    config.vocab_size = len(kept)
    for name, value in list(vars(config).items()):
        if name.endswith("_token_id") and isinstance(value, int):
            setattr(config, name, new_ids.get(value))
    return copied


def _parameters(model: nn.Module) -> int:
    return sum(weight.numel() for weight in model.parameters())
