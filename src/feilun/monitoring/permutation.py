"""Two-sample tests whose thresholds come from permutations: exact for any sizes, no table of critical values.

Where two samples come from one distribution, every way of parting the pooled rows in two is equally likely. A statistic
is therefore compared with its values on random parts. Counts need no rows to be shuffled: the part's counts follow the
multivariate hypergeometric distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

BINS = 32
"""Bins, pooled quantiles, into which ordered values fall; a permutation is then a draw of 32 counts."""


@dataclass(frozen=True)
class Outcome:
    """What a test found.

    Args:
        statistic: The distance of the two samples.
        p_value: Share of the permutations with at least that distance, the samples themselves counted as one; valid
            also with few permutations (Phipson & Smyth 2010).
    """

    statistic: float
    p_value: float


def compare_categories(
    first: NDArray[np.generic], second: NDArray[np.generic], permutations: int, generator: np.random.Generator
) -> Outcome:
    """Test whether two samples have the same shares of categories, by Pearson's chi-square.

    Args:
        first: Categories, shape (rows,).
        second: Categories, shape (other rows,).
        permutations: How many are drawn.
        generator: Draws them.
    """
    _, index = np.unique(np.concatenate([first, second]), return_inverse=True)
    part, pooled = _counts(index, len(first))
    draws = _parts(part, pooled, permutations, generator)
    expected = pooled * (len(second) / len(index))
    distances = ((draws - expected) ** 2 / expected).sum(axis=-1)
    return _outcome(distances)


def compare_sets(
    first: Sequence[tuple[str, ...]],
    second: Sequence[tuple[str, ...]],
    permutations: int,
    generator: np.random.Generator,
) -> Outcome:
    """Test whether labels are as frequent in two samples of sets: Pearson's chi-square of each label, summed.

    Rows are permuted, not labels: those of a row stay together.

    Args:
        first: Sets of labels, one a row.
        second: Sets of labels, one a row.
        permutations: How many are drawn.
        generator: Draws them.
    """
    numbers: dict[tuple[str, ...], int] = {}
    index = np.array([numbers.setdefault(own, len(numbers)) for own in (*first, *second)], dtype=np.intp)
    names = sorted({label for own in numbers for label in own})
    holds = np.array([[label in own for label in names] for own in numbers], dtype=np.float64)  # (sets, labels)
    part, pooled = _counts(index, len(first))
    draws = _parts(part, pooled, permutations, generator) @ holds  # (1 + permutations, labels)
    rows, share = len(second), pooled @ holds / len(index)
    spread = rows * share * (1 - share)
    return _outcome(((draws - rows * share) ** 2 / np.where(spread > 0, spread, np.inf)).sum(axis=-1))


def compare_ordered(first: Floats, second: Floats, permutations: int, generator: np.random.Generator) -> Outcome:
    """Test whether two samples of numbers have the same distribution, by the Kolmogorov–Smirnov distance over bins.

    Where some are not known, the share of these is compared too: the smaller p-value of both is compared with those on
    random parts (Westfall & Young 1993), so that it is one test.

    Args:
        first: Numbers, shape (rows,); not a number where none is known, which counts as below all others.
        second: Numbers, shape (other rows,).
        permutations: How many are drawn.
        generator: Draws them.
    """
    values = np.concatenate([first, second]).astype(np.float64)
    unknown = np.isnan(values)
    known = np.sort(values[~unknown])
    places = (np.arange(1, BINS) / BINS * (len(known) - 1)).astype(np.intp)
    edges = np.unique(known[places]) if len(known) else known
    bins = np.where(unknown, 0, 1 + np.searchsorted(edges, values))
    part, pooled = _counts(bins, len(first))
    draws = _parts(part, pooled, permutations, generator)
    gaps = np.abs(draws.cumsum(axis=-1) / len(second) - pooled.cumsum() / len(values))
    distances = gaps.max(axis=-1)
    if not unknown.any():
        return _outcome(distances)
    smaller = np.minimum(_p_values(distances), _p_values(gaps[:, 0]))
    return Outcome(float(distances[0]), _outcome(-smaller).p_value)


def compare_states(
    first: NDArray[np.float32], second: NDArray[np.float32], permutations: int, generator: np.random.Generator
) -> Outcome:
    """Test whether two samples of vectors have the same distribution, by the maximum mean discrepancy.

    The kernel is Gaussian, as wide as the median distance of the pooled vectors (Gretton et al. 2012).

    Args:
        first: Vectors, shape (rows, dimensions).
        second: Vectors, shape (other rows, dimensions).
        permutations: How many are drawn.
        generator: Draws them.
    """
    kernel = _gaussian(np.concatenate([first, second]).astype(np.float32))  # (pooled, pooled)
    own = np.concatenate([np.full(len(first), 1 / len(first)), np.full(len(second), -1 / len(second))])
    weights = np.tile(own.astype(np.float32), (1 + permutations, 1))  # (1 + permutations, pooled)
    generator.permuted(weights[1:], axis=1, out=weights[1:])
    return _outcome(np.einsum("ij,ij->i", weights @ kernel, weights).astype(np.float64))


def _counts(index: NDArray[np.intp], first: int) -> tuple[Counts, Counts]:
    """Return the counts of the second sample and of both together."""
    pooled = np.bincount(index)
    return np.bincount(index[first:], minlength=len(pooled)), pooled


def _parts(part: Counts, pooled: Counts, permutations: int, generator: np.random.Generator) -> Counts:
    """Return the counts of the second sample, and of as many random parts of its size; (1 + permutations, bins)."""
    draws = generator.multivariate_hypergeometric(pooled, int(part.sum()), size=permutations, method="marginals")
    return np.concatenate([part[None], draws])


def _outcome(distances: Floats) -> Outcome:
    """Compare the first distance, the samples' own, with the others; a tie counts as reached."""
    reached = int((distances >= distances[0] - 1e-9 - 1e-6 * abs(distances[0])).sum())  # itself included
    return Outcome(float(distances[0]), reached / len(distances))


def _p_values(distances: Floats) -> Floats:
    """Return for each distance the share of all that reach it, shape (1 + permutations,)."""
    rounded = distances.round(9)
    below: Floats = np.searchsorted(np.sort(rounded), rounded, side="left") / len(distances)
    return 1 - below


def _gaussian(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    squares = (vectors**2).sum(1)
    distances = np.maximum(squares[:, None] + squares[None, :] - 2 * vectors @ vectors.T, 0)
    middle = np.median(distances[np.triu_indices(len(vectors), 1)])
    result: NDArray[np.float32] = np.exp(-distances / (middle if middle > 0 else 1.0)).astype(np.float32)
    return result
