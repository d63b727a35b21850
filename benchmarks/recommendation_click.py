"""Whether a film is rated 4 or 5, by several sets of features: the protocol `click` of recommendation.py."""

from __future__ import annotations

import numpy as np

from feilun.apps.recommendation.ranking.trees import TreeSettings, grow_clicks
from feilun.evaluation.metrics.clicks import area_under_curve, grouped_area, log_loss
from feilun.evaluation.protocols import split
from recommendation_films import Figures, MovieLens


def clicked(data: MovieLens, seed: int, part: str) -> Figures:
    """Predict whether a rating is 4 or 5, by several sets of features."""
    parts = split("global-random", data.user, data.time, seed)
    held_out = parts.test if part == "test" else parts.validation
    liked = data.rating >= 4
    inside, outside = out_of_fold(data, parts.train, seed)
    hours = np.stack([data.time // 3600 % 24, data.time // 86400 % 7, data.time / 86400], axis=1)
    genres = data.catalogue.category_matrix()[data.item].toarray()
    person = np.stack([data.age[data.user], data.job[data.user], data.sex[data.user]], axis=1)
    words = data.catalogue.vectors[data.item][:, :16]
    groups = {"collaborative": [0, 1, 2, 3, 5, 6, 7, 8], "text": [4]}
    found = {}
    for name in ("all", "without text", "without collaborative", "without context"):
        kept = [column for group, columns in groups.items() if f"without {group}" != name for column in columns]
        more = [] if name == "without context" else [hours, person]
        more += [] if name == "without text" else [genres, words]
        tables = [np.concatenate([columns[:, kept], *more], axis=1) for columns in (inside, outside)]
        judged = np.random.default_rng(seed).random(len(parts.train)) < 0.1
        trees = grow_clicks(
            tables[0][parts.train], liked[parts.train], judged, [str(i) for i in range(tables[0].shape[1])],
            TreeSettings(trees=500, leaves=31, learning_rate=0.04, seed=seed),
        )  # fmt: skip
        scores = trees.scores(tables[1][held_out])
        chances = 1 / (1 + np.exp(-scores))
        truth = liked[held_out]
        found[name] = {
            "AUC": area_under_curve(scores, truth),
            "GAUC": grouped_area(scores, truth, data.user[held_out]),
            "log loss": log_loss(chances, truth),
        }
    return found


def out_of_fold(data: MovieLens, rows: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return collaborative features of the training rows from models that had not seen them, and of all rows."""
    folds = np.random.default_rng(seed).integers(0, 5, len(rows))
    columns = [np.full((len(data.user), 9), np.nan) for _ in range(2)]
    for fold in range(5):
        columns[0][rows[folds == fold]] = collaborative(data, rows[folds != fold], rows[folds == fold], seed)
    everything = np.arange(len(data.user))
    columns[1] = collaborative(data, rows, everything, seed)
    return columns[0], columns[1]


def collaborative(data: MovieLens, rows: np.ndarray, asked: np.ndarray, seed: int) -> np.ndarray:
    """Return what ratings say of asked pairs: means, counts, a factor model of ratings, neighbours, texts."""
    user, item, rating = data.user[rows], data.item[rows], data.rating[rows]
    mean = rating.mean()
    shape = (len(data.users), len(data.catalogue))
    of_item = np.bincount(item, rating - mean, shape[1]) / (np.bincount(item, minlength=shape[1]) + 5)
    rest = rating - mean - of_item[item]
    of_user = np.bincount(user, rest, shape[0]) / (np.bincount(user, minlength=shape[0]) + 5)
    left = np.zeros(shape)
    left[user, item] = rest - of_user[user]
    seen = np.zeros(shape)
    seen[user, item] = 1
    factors = factorised(left, seen, seed)
    likeness = left.T @ left
    size = np.sqrt(np.diag(likeness)) + 1e-9
    likeness = likeness / (size[:, None] * size) * (seen.T @ seen / (seen.T @ seen + 20))
    np.fill_diagonal(likeness, 0)
    positive = np.maximum(likeness, 0)
    near = (left @ positive) / (seen @ positive + 1)
    texts = np.maximum(data.catalogue.vectors @ data.catalogue.vectors.T, 0).astype(np.float64)
    np.fill_diagonal(texts, 0)
    worded = (left @ texts) / (seen @ texts + 1)
    u, i = data.user[asked], data.item[asked]
    return np.stack(
        [
            of_user[u], of_item[i], factors[u, i], near[u, i], worded[u, i],
            np.log1p(seen.sum(1))[u], np.log1p(seen.sum(0))[i],
            (left**2).sum(1)[u] / (seen.sum(1)[u] + 1), of_user[u] + of_item[i] + factors[u, i],
        ],
        axis=1,
    )  # fmt: skip


def factorised(left: np.ndarray, seen: np.ndarray, seed: int, width: int = 16, ridge: float = 8.0) -> np.ndarray:
    """Return a ridge factorisation of the residuals by alternating least squares, shape (users, items)."""
    source = np.random.default_rng(seed)
    sides = [source.normal(0, 0.1, (left.shape[axis], width)) for axis in (0, 1)]
    for _ in range(8):
        for mine, other, values, there in ((0, 1, left, seen), (1, 0, left.T, seen.T)):
            for row in range(len(sides[mine])):
                picked = np.flatnonzero(there[row])
                beside = sides[other][picked]
                gram = beside.T @ beside + ridge * np.eye(width)
                sides[mine][row] = np.linalg.solve(gram, beside.T @ values[row, picked])
    product: np.ndarray = sides[0] @ sides[1].T
    return product
