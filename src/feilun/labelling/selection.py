"""Which texts of many to label next: the ones that a model is least sure of, ones unlike each other, or both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from feilun.labelling.ways import By

COMPARED_AT_ONCE = 256
"""Known rows whose distances are taken in one product."""


def select(
    by: By, count: int, vectors: NDArray[np.float32], known: NDArray[np.float32],
    probabilities: NDArray[np.float64] | None, seed: int,
) -> NDArray[np.int64]:  # fmt: skip
    """Choose texts to label.

    Args:
        by: `margin` or `entropy`: what a model is least sure of; `diversity`: texts far from each other and from those
            that are labelled; `both`: far ones among the unsure.
        count: How many.
        vectors: Of the texts to choose from, shape (rows, width).
        known: Of those that are labelled, shape (rows, width); may be empty.
        probabilities: What a model says of the texts to choose from, shape (rows, classes); `diversity` needs none.
        seed: Draws, where `by` draws.

    Returns:
        Positions, the first to be labelled first, shape (at most count,).
    """
    count = min(count, len(vectors))
    if by == "diversity" or probabilities is None:
        return spread_out(vectors, known, np.ones(len(vectors)), count, seed)
    unsure = entropy(probabilities) if by == "entropy" else closeness(probabilities)
    if by == "both":
        return spread_out(vectors, known, unsure, count, seed)
    return np.argsort(-unsure, kind="stable")[:count]


def closeness(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one less the gap between the two highest probabilities (Scheffer 2001), 0 to 1, shape (rows,)."""
    ordered = np.sort(probabilities, axis=1)
    gap = ordered[:, -1] - (ordered[:, -2] if probabilities.shape[1] > 1 else 0)
    return np.asarray(1 - gap, np.float64)


def entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the entropy of each row as a share of the largest that there can be, shape (rows,)."""
    logarithms = np.log(np.clip(probabilities, 1e-12, 1))
    return np.asarray(-(probabilities * logarithms).sum(axis=1) / np.log(max(probabilities.shape[1], 2)), np.float64)


def spread_out(
    vectors: NDArray[np.float32], known: NDArray[np.float32], weights: NDArray[np.float64], count: int, seed: int
) -> NDArray[np.int64]:
    """Draw rows far from each other and from those that are known, by the seeding of k-means++.

    Each row is drawn with a probability in proportion to its weight times its squared distance to the nearest row
    that is known or drawn before (Arthur, Vassilvitskii 2007; for labels: Ash et al. 2020, "BADGE", over vectors in
    place of gradients). Unlike the farthest-first order it does not end up with outliers alone.

    Args:
        vectors: Shape (rows, width).
        known: Shape (known rows, width); may be empty.
        weights: Not negative, shape (rows,).
        count: How many to draw, at most as many as there are rows.
        seed: Draws.

    Returns:
        Positions in the order in which they were drawn, shape (count,).
    """
    random = np.random.default_rng(seed)
    squares = np.einsum("ij,ij->i", vectors, vectors).astype(np.float64)
    distances = np.full(len(vectors), np.inf)
    for start in range(0, len(known), COMPARED_AT_ONCE):
        nearest = _squared(vectors, squares, known[start : start + COMPARED_AT_ONCE]).min(axis=1)
        distances = np.minimum(distances, nearest)
    drawn: list[int] = []
    free = np.ones(len(vectors), bool)
    for _ in range(count):
        share = weights * np.where(np.isinf(distances), 1.0, distances) * free
        if share.sum() <= 0:  # only copies of what is known or drawn are left
            share = free.astype(np.float64)
        row = int(random.choice(len(vectors), p=share / share.sum()))
        drawn.append(row)
        free[row] = False
        distances = np.minimum(distances, _squared(vectors, squares, vectors[row : row + 1])[:, 0])
    return np.array(drawn, np.int64)


def _squared(
    vectors: NDArray[np.float32], squares: NDArray[np.float64], others: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return squared distances of all rows to others, shape (rows, others)."""
    own = np.einsum("ij,ij->i", others, others)
    return np.asarray(np.maximum(squares[:, None] - 2 * (vectors @ others.T) + own, 0), np.float64)
