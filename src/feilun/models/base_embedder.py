"""A base model as it comes, as an Embedder: the pooled states of its last layer."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.models.bases.base import Base
from feilun.models.fast_encoder import encode
from feilun.models.pooling import pool
from feilun.text.tokens import TokenEncoder, batches_by_length, pad

BATCH_TOKENS = 4096
MAX_TOKENS = 128


class BaseEmbedder:
    """Reads texts with a base model.

    Args:
        base: The base.
        max_tokens: Longer texts are cut.
        dtype: Type of the matrix products.
    """

    def __init__(self, base: Base, max_tokens: int = MAX_TOKENS, dtype: torch.dtype = torch.float32) -> None:
        self.base, self.dtype = base, dtype
        self.encoder = TokenEncoder(base.tokenizer, min(max_tokens, base.max_tokens), base.prefix)

    def embed(self, corpus: Corpus) -> NDArray[np.float32]:
        """Return the pooled states, shape (rows, hidden)."""
        rows = self.encoder.encode(corpus.text)
        found = np.zeros((len(rows), self.base.hidden), np.float32)
        precision = torch.autocast("cpu", dtype=self.dtype, enabled=self.dtype != torch.float32)
        with torch.inference_mode(), precision:
            for batch in batches_by_length([len(row) for row in rows], BATCH_TOKENS):
                ids, mask = (torch.from_numpy(part) for part in pad([rows[i] for i in batch], self.base.pad_id))
                hidden = encode(self.base.model, ids, mask)
                found[batch] = pool(hidden.float(), mask, self.base.pooling).numpy()
        return found
