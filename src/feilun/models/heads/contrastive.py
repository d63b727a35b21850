"""Losses that draw the vectors of two texts together, or apart."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def contrastive_loss(scores: Tensor, own: Tensor, same: Tensor, ignored: Tensor) -> Tensor:
    """Have each text find its second text among all of the batch (InfoNCE; van den Oord et al. 2018).

    Args:
        scores: Scaled similarity of each first text with each second text, shape (batch, batch).
        own: Scaled similarity of each first text with hard negatives of its own, shape (batch, negatives).
        same: Whether a row's two texts say the same, shape (batch,).
        ignored: Second texts that are no negatives of a first text, as they may say the same; shape (batch, batch).

    Returns:
        The loss of each row, shape (batch,): 0 where its texts differ, whose second text is a negative of the others.
    """
    candidates = torch.cat([scores.masked_fill(ignored, -torch.inf), own], dim=1)  # (batch, batch + negatives)
    rows = torch.arange(len(scores), device=scores.device)
    losses = functional.cross_entropy(candidates, rows, reduction="none")
    return losses.where(same, 0.0)


def ranking_loss(similarities: Tensor, same: Tensor) -> Tensor:
    """Have pairs that say the same be more similar than pairs that do not (CoSENT; Su 2022).

    Args:
        similarities: Scaled similarity of each row's two texts, shape (batch,).
        same: Whether they say the same, shape (batch,).

    Returns:
        The loss of each row, shape (batch,): 0 where the batch holds one kind of pairs only.
    """
    if bool(same.all()) or not bool(same.any()):
        return similarities * 0
    highest = similarities[~same].logsumexp(0)  # softly the most similar of the pairs that differ
    lowest = (-similarities[same]).logsumexp(0)
    return functional.softplus(torch.where(same, highest - similarities, similarities + lowest))


def no_negatives(targets: Tensor) -> Tensor:
    """Say which second texts of a batch must not count as negatives of a first text.

    Args:
        targets: What `SimilarityHead.targets` returns, shape (batch, 4).

    Returns:
        Shape (batch, batch): true where the second text equals the first or its own second text, where both rows are
        of one group, or where another row says that the two say the same; never on the diagonal.
    """
    same, first, second, group = targets.T
    equal = (first[:, None] == second) | (second[:, None] == second) | (group[:, None] == group)
    known = (first[:, None] == first) & (same == 1)
    ignored: Tensor = (equal | known).fill_diagonal_(False)
    return ignored
