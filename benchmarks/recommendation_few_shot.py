"""TALLRec's few-shot protocol on MovieLens 100K: will a user like a film, from ten ratings before it and few examples.

    python benchmarks/recommendation.py --movielens recbole-1.2.1-py3-none-any.whl --only few-shot

Bao et al. 2023 (arXiv 2305.00447): a rating above 3 is a like; every rating with ten of its user before it is an
example; of all examples, users in the order of the file, the last 10,000 count: the first 8,000 to learn from, the last
1,000 as test. A model is given 16, 64 or 256 of the 8,000; the figure is the area under the ROC curve on the test.
Trivial baselines stand beside: how much of the ten the user liked, and the same plus the film's mean.

Ours is a logistic regression, begun with an equal weight on each column, on what the ten say of the film: how many were
liked, how many of the last three, and by how much those were liked whose texts are like the film's; and, with other
users' ratings, the film's mean, how far the ten lie above their films' means, and what a linear model of which likes go
together (EASE on what the means leave) makes of them. These other users have no example among the 10,000.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from feilun.core.corpus import corpus_of
from feilun.core.ports import Embedder
from feilun.evaluation.metrics.clicks import area_under_curve

if TYPE_CHECKING:
    from recommendation_films import MovieLens

BEFORE, EXAMPLES, LEARNED, TESTED = 10, 10_000, 8_000, 1_000
SHOTS = (16, 64, 256, LEARNED)
DRAWS = 10
SHRUNK = 5.0
"""Ratings of mean liking that are added to each film's."""

SHARPNESS = 2.0
"""Of the weights that texts like the film's get; chosen on the 1,000 examples before the test."""

BELIEVED, STRENGTH = 0.3, 20.0
"""The weight of each column before any example, and how strongly it is believed; chosen likewise."""

RIDGE = 400.0
PUBLISHED = {16: 0.6724, 64: 0.6748, 256: 0.7198}
"""TALLRec's own, a language model of 7 billion weights; not run here."""


@dataclass(frozen=True)
class Examples:
    """The last examples, in the protocol's order.

    Args:
        user: Shape (examples,).
        film: The film that is asked about, shape (examples,).
        liked: Whether it was, shape (examples,).
        films: The ten before, oldest first, shape (examples, 10).
        likes: Whether they were liked, shape (examples, 10).
    """

    user: np.ndarray
    film: np.ndarray
    liked: np.ndarray
    films: np.ndarray
    likes: np.ndarray


def examples_of(data: MovieLens) -> Examples:
    """Lay out the protocol's examples."""
    liked, rows = data.rating > 3, []
    for user in dict.fromkeys(data.user.tolist()):
        mine = np.flatnonzero(data.user == user)
        mine = mine[np.argsort(data.time[mine], kind="stable")]
        rows += [mine[at - BEFORE : at + 1] for at in range(BEFORE, len(mine))]
    chosen = np.array(rows[-EXAMPLES:])
    before, asked = chosen[:, :-1], chosen[:, -1]
    return Examples(data.user[asked], data.item[asked], liked[asked], data.item[before], liked[before])


def film_means(items: np.ndarray, liked: np.ndarray, films: int) -> np.ndarray:
    """Return how much each film is liked, shrunk to the mean, shape (films,)."""
    above = np.bincount(items, liked, films) + SHRUNK * liked.mean()
    found: np.ndarray = above / (np.bincount(items, minlength=films) + SHRUNK)
    return found


def of_the_ten(examples: Examples, vectors: np.ndarray) -> np.ndarray:
    """Return what the ten ratings and the texts say, shape (examples, 3)."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    nearness = np.einsum("ekd,ed->ek", unit[examples.films], unit[examples.film])
    weights = np.exp(SHARPNESS * nearness)
    own = examples.likes.mean(1)
    near = (weights * (examples.likes - own[:, None])).sum(1) / weights.sum(1)
    return np.stack([own, examples.likes[:, -3:].mean(1), near], axis=1)


def of_others(data: MovieLens, examples: Examples) -> np.ndarray:
    """Return what other users' ratings say of the film, also after the ten, shape (examples, 3)."""
    rows, films = np.flatnonzero(~np.isin(data.user, examples.user)), len(data.catalogue)
    liked = data.rating[rows] > 3
    means = film_means(data.item[rows], liked, films)
    left = np.zeros((len(data.users), films))
    left[data.user[rows], data.item[rows]] = liked - means[data.item[rows]]
    inverse = np.linalg.inv(left.T @ left + RIDGE * np.eye(films))
    links = -inverse / np.diag(inverse)
    rest = examples.likes - means[examples.films]
    linked = (links[examples.films, examples.film[:, None]] * rest).sum(1)
    return np.stack([means[examples.film], rest.mean(1), linked], axis=1)


def few_shot(data: MovieLens, readers: Mapping[str, Embedder | None]) -> None:
    """Print the table; None of a reader stands for the catalogue's own vectors."""
    examples, test = examples_of(data), slice(-TESTED, None)
    truth, own = examples.liked[test], examples.likes.mean(1)
    means = film_means(examples.film[:LEARNED], examples.liked[:LEARNED], len(data.catalogue))
    others = of_others(data, examples)
    print(f"\nfew-shot, {len(np.unique(examples.user[test]))} users of {TESTED:,} test examples, "
          f"AUC: mean (min–max) of {DRAWS} draws of the examples\n")  # fmt: skip
    print(f"| | {' | '.join(f'{shots:,} examples' for shots in SHOTS)} |\n|{' --- |' * (len(SHOTS) + 1)}")
    for name, scores in {
        "share of the ten that was liked": own,
        "+ mean of the film in the 8,000": own + means[examples.film],
        "+ mean of the film by other users": own + others[:, 0],
    }.items():
        print(f"| {name} |{' |' * (len(SHOTS) - 1)} {area_under_curve(scores[test], truth):.4f} |")
    for name, reader in readers.items():
        vectors = data.catalogue.vectors
        if reader is not None:
            vectors = reader.embed(corpus_of([item.text for item in data.catalogue.items]))
        table = of_the_ten(examples, vectors - vectors.mean(0))
        print(f"| ours, texts read by {name} | {' | '.join(cells(table, examples))} |")
        print(f"| the same with other users' ratings | {' | '.join(cells(np.hstack([table, others]), examples))} |")
    print(f"| TALLRec as published | {' | '.join(str(PUBLISHED.get(shots, '')) for shots in SHOTS)} |", flush=True)


def cells(table: np.ndarray, examples: Examples) -> list[str]:
    """Learn from each number of examples and return the areas on the test."""
    found = []
    for shots in SHOTS:
        areas = [learned(table, examples, shots, seed) for seed in range(DRAWS if shots < LEARNED else 1)]
        spread = f" ({min(areas):.3f}–{max(areas):.3f})" if len(areas) > 1 else ""
        found.append(f"{statistics.mean(areas):.4f}{spread}")
    return found


def learned(table: np.ndarray, examples: Examples, shots: int, seed: int) -> float:
    """Return the area of a logistic regression on some of the examples, drawn to what was believed before them."""
    rows = np.random.default_rng(seed).choice(LEARNED, shots, replace=False)
    scaled = (table - table[:LEARNED].mean(0)) / table[:LEARNED].std(0)  # no likes are looked at
    columns = np.hstack([scaled, np.ones((len(scaled), 1))])
    believed = np.r_[np.full(table.shape[1], BELIEVED), 0.0]
    strength, weights = np.r_[np.full(table.shape[1], STRENGTH), 1e-3], believed.copy()
    some, liked = columns[rows], examples.liked[rows]
    for _ in range(20):  # Newton's steps
        expected = 1 / (1 + np.exp(-some @ weights))
        gradient = some.T @ (expected - liked) + strength * (weights - believed)
        weights -= np.linalg.solve((some.T * (expected * (1 - expected))) @ some + np.diag(strength), gradient)
    return area_under_curve(columns[-TESTED:] @ weights, examples.liked[-TESTED:])
