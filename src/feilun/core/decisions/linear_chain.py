"""Chains of tags: which tag may stand behind which, the most probable chain, and how sure each of its tags is.

Sizes in comments: B texts, L tokens of the longest, T tags.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def possible_steps(tags: int) -> NDArray[np.bool_]:
    """Say which tag may stand behind which (BIO): a further token only behind one of its own label.

    Args:
        tags: Outside, then for each label its first token and its further ones.

    Returns:
        Shape (tags before, tags behind).
    """
    possible = np.ones((tags, tags), dtype=np.bool_)
    for further in range(2, tags, 2):
        possible[:, further] = False
        possible[further - 1 : further + 1, further] = True
    return possible


@dataclass(frozen=True)
class Chains:
    """The scores of several texts' tags, padded to the longest.

    Args:
        scores: Logarithm of what speaks for each tag of each token; -inf where it is impossible; shape (B, L, T).
        lengths: Tokens of each text, shape (B,).
        steps: The same of each tag behind each, shape (T, T).
    """

    scores: Floats
    lengths: NDArray[np.int64]
    steps: Floats

    @classmethod
    def of(cls, scores: Sequence[Floats], steps: Floats) -> Chains:
        """Put the scores of texts, each of shape (tokens, tags), together; no text begins with a further token."""
        lengths = np.array([len(one) for one in scores], dtype=np.int64)
        padded = np.zeros((len(scores), lengths.max(initial=0), len(steps)))
        for row, one in enumerate(scores):
            padded[row, : len(one)] = one
        padded[:, :1, 2::2] = -np.inf
        return cls(padded, lengths, steps)

    def best(self) -> list[NDArray[np.int64]]:
        """Return the most probable tags of each text (Viterbi 1967), each of shape (tokens,)."""
        rows, longest, _ = self.scores.shape
        before = np.zeros(self.scores.shape, dtype=np.int64)
        reached = np.zeros(self.scores.shape)  # score of the best chain that ends in each tag
        reached[:, :1] = self.scores[:, :1]
        for token in range(1, longest):
            chains = reached[:, token - 1, :, None] + self.steps  # (B, T, T)
            before[:, token] = chains.argmax(1)
            reached[:, token] = chains.max(1) + self.scores[:, token]
        paths = np.zeros((rows, longest), dtype=np.int64)
        for row, length in enumerate(self.lengths.tolist()):
            for token in range(length - 1, -1, -1):
                last = token == length - 1
                paths[row, token] = (
                    reached[row, token].argmax() if last else before[row, token + 1, paths[row, token + 1]]
                )
        return [path[:length] for path, length in zip(paths, self.lengths.tolist(), strict=True)]

    def probabilities(self) -> list[Floats]:
        """Return the probability of each tag of each token over all chains, each of shape (tokens, tags).

        The forward-backward algorithm, scaled at each token so that no text underflows (Rabiner 1989, section V.A).
        """
        longest = self.scores.shape[1]
        own, steps = np.exp(self.scores), np.exp(self.steps)
        forward, backward = own.copy(), np.ones_like(own)
        for token in range(1, longest):
            forward[:, token] *= _shares(forward[:, token - 1]) @ steps
        for token in range(longest - 2, -1, -1):
            further = _shares(own[:, token + 1] * backward[:, token + 1]) @ steps.T
            backward[:, token] = np.where((token + 1 < self.lengths)[:, None], further, 1.0)
        shares = _shares(forward * backward)
        return [share[:length] for share, length in zip(shares, self.lengths.tolist(), strict=True)]


def _shares(weights: Floats) -> Floats:
    shares: Floats = weights / weights.sum(-1, keepdims=True)
    return shares
