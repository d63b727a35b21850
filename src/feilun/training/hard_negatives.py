"""Second texts that are hard to tell from the right one, found before training.

They come from shared words (BM25, as in Karpukhin et al. 2020) and from the model as it is at first. What it finds more
alike than the right one is passed over, as it is often right too (positive-aware mining; Moreira et al. 2024).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.decisions.similarity import unit
from feilun.evaluation.metrics.retrieval import blocks
from feilun.evaluation.word_search import bm25
from feilun.models.text_model import TextModel

Rows = NDArray[np.int64]
Scores = Callable[[Rows], NDArray[np.float32]]
"""From rows, how near each of all second texts is to their first ones, shape (rows, all rows)."""

PASSED_OVER = 64
"""Second texts looked at for each negative wanted, nearest first."""


def hard_negatives(model: TextModel, corpus: Corpus) -> Rows:
    """Find hard negatives of each row as the model's head wants them.

    Args:
        model: A model that reads texts apart.
        corpus: The training rows.

    Returns:
        Of each row, the rows whose second texts are its negatives, shape (rows, negatives). A row for which none is
        found stands for itself: its own text a second time teaches nothing.
    """
    count, miner = model.head.hard_negatives, model.head.mined_by
    found = np.tile(np.arange(len(corpus))[:, None], (1, count))
    if count == 0 or len(corpus) == 0:
        return found
    targets = model.head.targets(corpus).numpy()
    known, by_model = known_positives(targets), _by_model(model, corpus)
    searches: list[Scores] = [by_model] if miner != "words" else []
    searches += [_by_words(corpus)] if miner != "model" else []
    shares = [len(part) for part in np.array_split(np.arange(count), len(searches))]
    for rows in blocks(len(corpus), len(corpus)):
        nearness = by_model(rows)
        valid = valid_negatives(targets, known, rows) & (nearness < nearness[np.arange(len(rows)), rows][:, None])
        done = 0
        for search, share in zip(searches, shares, strict=True):
            scores = np.where(valid, search(rows), -np.inf)
            for place, row in enumerate(rows.tolist()):
                own = _best(scores[place], targets[:, 2], share)
                found[row, done : done + len(own)] = own
                valid[place, own] = False
            done += share
    return found


def known_positives(targets: Rows) -> Mapping[int, set[int]]:
    """Return by the number of each first text those of the second texts that some row calls the same."""
    known: dict[int, set[int]] = {}
    for same, first, second, _ in targets.tolist():
        if same == 1:
            known.setdefault(first, set()).add(second)
    return known


def valid_negatives(targets: Rows, known: Mapping[int, set[int]], rows: Rows) -> NDArray[np.bool_]:
    """Say which second texts may be negatives of some first texts.

    Args:
        targets: What the head's `targets` returned for all rows, shape (all rows, 4).
        known: What `known_positives` returned for them.
        rows: The rows whose first texts are meant, shape (rows,).

    Returns:
        Shape (rows, all rows): false for the texts themselves, those of the same group, and those that any row calls
        the same.
    """
    same, first, second, group = targets.T
    allowed: NDArray[np.bool_] = (first[rows][:, None] != second) & (group[rows][:, None] != group)
    for place, row in enumerate(rows.tolist()):
        positives = known.get(int(first[row]), set())
        if same[row] != 1:
            allowed[place] = False  # only pairs that are the same look for their second text
        elif len(positives) == 1:
            allowed[place] &= second != second[row]
        else:
            allowed[place] &= ~np.isin(second, list(positives))
    return allowed


def _best(scores: NDArray[np.float32], texts: Rows, count: int) -> list[int]:
    """Return up to `count` rows of different second texts, highest scores first."""
    most = min(len(scores), PASSED_OVER * max(count, 1))
    nearest = np.argpartition(-scores, most - 1)[:most]
    chosen: dict[int, int] = {}
    for row in nearest[np.argsort(-scores[nearest], kind="stable")].tolist():
        if len(chosen) == count or not np.isfinite(scores[row]):
            break
        chosen.setdefault(int(texts[row]), row)
    return list(chosen.values())


def _by_model(model: TextModel, corpus: Corpus) -> Scores:
    vectors = unit(model.logits(corpus))  # (rows, 2, size)
    return lambda rows: vectors[rows, 0] @ vectors[:, 1].T


def _by_words(corpus: Corpus) -> Scores:
    search = bm25(corpus.pair or ())
    return lambda rows: search([corpus.text[row] for row in rows.tolist()])
