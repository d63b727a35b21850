"""A linear-chain conditional random field: which tag stands behind which is learnt beside the tokens' own scores.

Lafferty, McCallum and Pereira 2001; over neural scores Huang, Xu and Yu 2015. Decoding is in
`feilun.core.decisions.linear_chain`. Sizes in comments: B rows, L tokens, T tags.
"""

from __future__ import annotations

import torch
from torch import Tensor

IMPOSSIBLE = -1e4
"""Score of a step that no sequence of tags may take; far below any learnt one, and finite, so that no NaN arises."""


def surprise_of_paths(scores: Tensor, tags: Tensor, counts: Tensor, transitions: Tensor) -> Tensor:
    """Return how surprising sequences of tags are among all sequences of their length.

    Args:
        scores: Of each token's tags, shape (rows, tokens, tags).
        tags: The true ones, shape (rows, tokens); any where a token does not count.
        counts: How many tokens of each row count, which are its first ones, shape (rows,).
        transitions: Of each tag behind each, shape (tags, tags).

    Returns:
        Negative log likelihood of each row, shape (rows,); 0 where no token counts.
    """
    real = torch.arange(scores.shape[1], device=scores.device) < counts[:, None]  # (B, L)
    own = scores.gather(2, tags[:, :, None])[:, :, 0].where(real, 0)  # (B, L)
    steps = transitions[tags[:, :-1], tags[:, 1:]].where(real[:, 1:], 0)  # (B, L - 1)
    return (log_partition(scores, real, transitions) - own.sum(1) - steps.sum(1)).where(counts > 0, 0)


def log_partition(scores: Tensor, real: Tensor, transitions: Tensor) -> Tensor:
    """Return the logarithm of the sum over all sequences of tags (the forward algorithm), shape (rows,).

    Args:
        scores: Of each token's tags, shape (rows, tokens, tags).
        real: Which tokens count, the first of each row, shape (rows, tokens).
        transitions: Of each tag behind each, shape (tags, tags).
    """
    reached = scores[:, 0]  # (B, T)
    for token in range(1, scores.shape[1]):
        further = (reached[:, :, None] + transitions).logsumexp(1) + scores[:, token]  # (B, T)
        reached = further.where(real[:, token, None], reached)
    return reached.logsumexp(1)
