"""How well texts find their second texts among those of all rows: MRR and recall."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.evaluation.metrics.arithmetic import Floats

Rows = NDArray[np.int64]
Scores = Callable[[Rows], NDArray[np.floating]]
"""From rows whose first texts ask, how near each candidate is to each, shape (rows, candidates)."""

METRICS = ("mrr@10", "recall@1", "recall@5", "recall@10")
CUTS = (1, 5, 10)

MOST_QUERIES = 5_000
"""Queries that are judged; of more, so many are picked evenly."""

MOST_AT_ONCE = 1 << 22
"""Scores held at once; bounds the memory."""


@dataclass(frozen=True)
class Retrieval:
    """Which texts ask, among which texts they look, and which of these are right.

    Args:
        queries: A row for each different first text that has a right second text, shape (queries,).
        candidates: A row for each different second text, shape (candidates,).
        relevant: Of each query, the places of the right texts within `candidates`.
        left_out: Of each query, the places of texts that equal it and are not said to be right: they are no answer.
    """

    queries: Rows
    candidates: Rows
    relevant: tuple[Rows, ...]
    left_out: tuple[Rows, ...]


def retrieval_of(corpus: Corpus, same: NDArray[np.bool_]) -> Retrieval:
    """Read pairs as a search: each first text looks for those second texts that some row calls the same.

    Args:
        corpus: Rows of two texts.
        same: Whether the texts of each row say the same, shape (rows,).

    Returns:
        The search; without queries where no row says so.
    """
    pairs = corpus.pair or ()
    candidates: dict[str, int] = {}
    places: dict[str, int] = {}
    for row, text in enumerate(pairs):
        if candidates.setdefault(text, row) == row:
            places[text] = len(places)
    queries: dict[str, int] = {}
    right: dict[str, set[int]] = {}
    for row in np.flatnonzero(same).tolist():
        queries.setdefault(corpus.text[row], row)
        right.setdefault(corpus.text[row], set()).add(places[pairs[row]])
    asked = list(queries)
    step = max(1.0, len(asked) / MOST_QUERIES)
    asked = [asked[int(i * step)] for i in range(min(len(asked), MOST_QUERIES))]
    own = [{places[text]} - right[text] if text in places else set() for text in asked]
    return Retrieval(
        np.array([queries[text] for text in asked], dtype=np.int64),
        np.array(list(candidates.values()), dtype=np.int64),
        tuple(np.array(sorted(right[text]), dtype=np.int64) for text in asked),
        tuple(np.array(sorted(found), dtype=np.int64) for found in own),
    )


def found(task: Retrieval, scores: Scores) -> Floats:
    """Compute the figures of each query.

    Args:
        task: The search.
        scores: How near the candidates are; among equally near ones the right ones come last.

    Returns:
        Reciprocal rank of the first right text where it is among the first ten, else 0, and the share of the right
        texts among the first one, five and ten; shape (queries, 4), in the order of `METRICS`.
    """
    figures = np.zeros((len(task.queries), len(METRICS)))
    for block in blocks(len(task.queries), len(task.candidates)):
        for query, near in zip(block.tolist(), scores(task.queries[block]), strict=True):
            ranks = _ranks(near, task.relevant[query], task.left_out[query])
            first = ranks[0]
            figures[query, 0] = 1 / first if first <= CUTS[-1] else 0
            figures[query, 1:] = [(ranks <= cut).mean() for cut in CUTS]
    return figures


def figures(by_query: Floats) -> dict[str, float]:
    """Return the means over queries by name; none where there are no queries."""
    return dict(zip(METRICS, by_query.mean(0).tolist(), strict=True)) if len(by_query) else {}


def blocks(rows: int, columns: int) -> Iterator[Rows]:
    """Yield row numbers in blocks small enough for a matrix of so many columns."""
    step = max(1, MOST_AT_ONCE // max(1, columns))
    for start in range(0, rows, step):
        yield np.arange(start, min(start + step, rows))


def _ranks(near: NDArray[np.floating], relevant: Rows, left_out: Rows) -> NDArray[np.int64]:
    """Return the rank of each right text, best first."""
    right = -np.sort(-near[relevant])
    others = np.delete(near, np.concatenate([relevant, left_out]))
    ahead: NDArray[np.int64] = (others[None] >= right[:, None]).sum(1) + 1 + np.arange(len(right))
    return ahead
