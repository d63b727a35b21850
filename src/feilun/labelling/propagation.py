"""Labels spread from a few labelled texts to many unlabelled ones that are alike.

Label spreading (Zhou et al. 2003, "Learning with Local and Global Consistency") over the graph of nearest neighbours,
put together with a classifier that is fitted to the labelled texts and, in a second round, to the surest of the others:
self-training in which the two must agree, with an equal share of each class kept, so that no class crowds out another.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.evaluation.baselines.tf_idf import fit_regression

NEIGHBOURS = 15
SPREAD = 0.5
"""Share of what a text hears from its neighbours; the rest is its own."""

STEPS = 20
SHARPNESS = 3
"""Power of the cosine as the weight of an edge."""

FIRST_KEPT, KEPT = 0.5, 0.8
"""Share of each class, its surest texts, that is learnt from in the first round and in the end."""

OWN_WEIGHT = 3.0
"""What a labelled text counts as, beside unlabelled ones that count as much as they are sure."""

COMPARED_AT_ONCE = 1000


def spread_labels(
    known: NDArray[np.float32], targets: NDArray[np.int64], unknown: NDArray[np.float32], classes: int
) -> NDArray[np.float64]:
    """Say which class each unlabelled text probably has.

    Args:
        known: Vectors of the labelled texts, of unit length, shape (rows, width).
        targets: Their classes, shape (rows,).
        unknown: Vectors of the others, of unit length, shape (texts, width).
        classes: How many classes there are.

    Returns:
        Shape (texts, classes).
    """
    graph = _graph(np.concatenate([known, unknown]))
    seeds = np.zeros((len(known) + len(unknown), classes))
    seeds[np.arange(len(known)), targets] = 1
    model = fit_regression(known, targets, classes)
    said = _agreed(_spread(graph, seeds)[len(known) :], _said(model, unknown, classes))
    kept = surest(said, FIRST_KEPT)
    sure = said.max(axis=1)
    model = fit_regression(
        np.concatenate([known, unknown[kept]]), np.concatenate([targets, said.argmax(axis=1)[kept]]), classes,
        np.concatenate([np.full(len(known), OWN_WEIGHT), sure[kept]]),
    )  # fmt: skip
    learnt = _said(model, unknown, classes)
    seeds[len(known) :] = learnt / 2
    return _agreed(_spread(graph, seeds)[len(known) :], learnt)


def surest(probabilities: NDArray[np.float64], share: float = KEPT) -> NDArray[np.bool_]:
    """Mark a share of the texts of each likeliest class, those that it is likeliest for, shape (texts,)."""
    best, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    kept = np.zeros(len(best), bool)
    for label in np.unique(best):
        rows = np.flatnonzero(best == label)
        kept[rows[np.argsort(-sure[rows], kind="stable")[: max(1, int(share * len(rows)))]]] = True
    return kept


def _said(model: Any, vectors: NDArray[np.float32], classes: int) -> NDArray[np.float64]:
    """Return what a classifier says, 0 for a class that it has not seen, shape (texts, classes)."""
    found = np.zeros((len(vectors), classes))
    found[:, model.classes_] = model.predict_proba(vectors)
    return found


def _graph(vectors: NDArray[np.float32]) -> Any:
    """Return the symmetric, normalised graph of nearest neighbours, sparse, shape (texts, texts)."""
    from scipy import sparse

    count = len(vectors)
    neighbours = min(NEIGHBOURS, count - 1)
    places = np.empty((count, neighbours), np.int64)
    weights = np.empty((count, neighbours))
    for start in range(0, count, COMPARED_AT_ONCE):
        block = slice(start, start + COMPARED_AT_ONCE)
        cosines = vectors[block] @ vectors.T  # (texts of the block, texts)
        rows = np.arange(len(cosines))
        cosines[rows, start + rows] = -1
        places[block] = np.argpartition(-cosines, neighbours - 1, axis=1)[:, :neighbours]
        weights[block] = np.maximum(np.take_along_axis(cosines, places[block], axis=1), 1e-6) ** SHARPNESS
    rows = np.repeat(np.arange(count), neighbours)
    graph = sparse.csr_matrix((weights.ravel(), (rows, places.ravel())), (count, count))
    graph = graph.maximum(graph.T)
    scale = sparse.diags(np.asarray(graph.sum(axis=1)).ravel() ** -0.5)
    return scale @ graph @ scale


def _spread(graph: Any, seeds: NDArray[np.float64]) -> NDArray[np.float64]:
    found = seeds
    for _ in range(STEPS):
        found = SPREAD * (graph @ found) + (1 - SPREAD) * seeds
    return _shares(found)


def _agreed(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the normalised geometric mean: high only where both are."""
    return _shares(np.sqrt(one * other))


def _shares(values: NDArray[np.float64]) -> NDArray[np.float64]:
    values = values + 1e-12
    return np.asarray(values / values.sum(axis=1, keepdims=True), np.float64)
