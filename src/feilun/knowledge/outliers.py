"""Texts unlike all others: those whose nearest neighbours are far (Ramaswamy, Rastogi, Shim 2000)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NEIGHBOURS = 5
COMPARED = 5_000
"""Texts that each is compared with, drawn at random of more."""

TOGETHER = 2_000


def strangeness(places: Floats, seed: int = 13) -> Floats:
    """Say how far texts lie from their nearest neighbours.

    Args:
        places: Where each text lies, unit vectors or zero, shape (texts, dimensions).
        seed: Seed of the draw.

    Returns:
        1 less the mean cosine with the `NEIGHBOURS` nearest other texts, shape (texts,); 0 for texts without a place.
    """
    placed = np.flatnonzero(places.any(axis=1))
    found = np.zeros(len(places))
    compared = np.sort(np.random.default_rng(seed).permutation(placed)[:COMPARED])
    near = min(NEIGHBOURS, len(compared) - 1)
    if near < 1:
        return found
    for start in range(0, len(placed), TOGETHER):
        rows = placed[start : start + TOGETHER]
        likeness = places[rows] @ places[compared].T  # (rows, compared)
        likeness[rows[:, None] == compared[None, :]] = -1  # none is its own neighbour
        nearest = np.partition(likeness, -near, axis=1)[:, -near:]
        found[rows] = 1 - nearest.mean(axis=1)
    return found
