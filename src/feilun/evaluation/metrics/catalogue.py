"""What recommended lists do to a catalogue: how much of it they show, how new, how varied, how popular."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from feilun.evaluation.metrics.arithmetic import Floats


def catalogue_figures(
    recommended: NDArray[np.int64],
    popularity: NDArray[np.int64],
    vectors: Floats | None = None,
    consumed: Floats | None = None,
) -> dict[str, float]:
    """Compute the figures of all lists together.

    Args:
        recommended: Item numbers, shape (users, depth); -1 for none.
        popularity: Interactions of each item in training, shape (items,).
        vectors: Describe the items, for diversity, shape (items, width).
        consumed: Mean popularity of what each user took in training, for the lift, shape (users,).

    Returns:
        coverage: share of the catalogue that is shown to anybody;
        gini: of how often items are shown, 0 if all alike and near 1 if always the same;
        novelty: mean self-information of the shown items in bits (Zhou et al. 2010), by their share of interactions;
        diversity: mean cosine distance of the pairs within a list, where there are vectors;
        popularity_lift: by how much shown items are more popular than what their users took (Abdollahpouri 2019), 0
        for none; where `consumed` is given. Empty where nothing is recommended.
    """
    shown = recommended[recommended >= 0]
    if not len(shown):
        return {}
    counts = np.bincount(shown, minlength=len(popularity)).astype(np.float64)
    share = (popularity + 1.0) / (popularity.sum() + len(popularity))
    figures = {
        "coverage": float((counts > 0).mean()),
        "gini": gini(counts),
        "novelty": float(-np.log2(share[shown]).mean()),
    }
    if vectors is not None:
        figures["diversity"] = intra_list_diversity(recommended, vectors)
    if consumed is not None:
        figures["popularity_lift"] = _lift(recommended, popularity.astype(np.float64), consumed)
    return figures


def gini(counts: Floats) -> float:
    """Return the Gini coefficient of amounts, shape (items,): 0 if all are alike, 0 also where all are zero."""
    total = counts.sum()
    if total == 0:
        return 0.0
    ordered = np.sort(counts)
    places = np.arange(1, len(counts) + 1)
    return float((2 * places - len(counts) - 1) @ ordered / (len(counts) * total))


def intra_list_diversity(recommended: NDArray[np.int64], vectors: Floats) -> float:
    """Return the mean cosine distance over the pairs of items of each list (Smyth and McClave 2001).

    Args:
        recommended: Item numbers, shape (users, depth); -1 for none.
        vectors: Shape (items, width).
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, lengths, out=np.zeros_like(vectors, dtype=np.float64), where=lengths > 0)
    there = recommended >= 0
    listed = unit[recommended] * there[..., None]  # (users, depth, width)
    lengths_squared = (listed**2).sum((1, 2))
    sums = (listed.sum(1) ** 2).sum(1) - lengths_squared  # twice the sum over pairs of their cosine
    pairs = there.sum(1) * (there.sum(1) - 1)
    kept = pairs > 0
    return float((1 - sums[kept] / pairs[kept]).mean()) if kept.any() else 0.0


def _lift(recommended: NDArray[np.int64], popularity: Floats, consumed: Floats) -> float:
    there = recommended >= 0
    sums = (popularity[recommended] * there).sum(1)
    kept = there.any(1) & (consumed > 0)
    if not kept.any():
        return 0.0
    shown = float((sums[kept] / there.sum(1)[kept]).mean())
    return shown / float(consumed[kept].mean()) - 1
