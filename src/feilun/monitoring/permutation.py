"""Two-sample tests whose thresholds come from permutations: exact for any sizes, no table of critical values.

Where two samples come from one distribution, every way of parting the pooled rows in two is equally likely. A statistic
is therefore compared with its values on random parts. Counts need no rows to be shuffled: the part's counts follow the
multivariate hypergeometric distribution.
"""

from __future__ import annotations

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


def compare_ordered(first: Floats, second: Floats, permutations: int, generator: np.random.Generator) -> Outcome:
    """Test whether two samples of numbers have the same distribution, by the Kolmogorov–Smirnov distance over bins.

    Args:
        first: Numbers, shape (rows,).
        second: Numbers, shape (other rows,).
        permutations: How many are drawn.
        generator: Draws them.
    """
    values = np.concatenate([first, second]).astype(np.float64)
    edges = np.unique(np.quantile(values, np.arange(1, BINS) / BINS, method="lower"))
    part, pooled = _counts(np.searchsorted(edges, values), len(first))
    draws = _parts(part, pooled, permutations, generator)
    gaps = np.abs(draws.cumsum(axis=-1) / len(second) - pooled.cumsum() / len(values))
    return _outcome(gaps.max(axis=-1))


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


def _gaussian(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    squares = (vectors**2).sum(1)
    distances = np.maximum(squares[:, None] + squares[None, :] - 2 * vectors @ vectors.T, 0)
    middle = np.median(distances[np.triu_indices(len(vectors), 1)])
    result: NDArray[np.float32] = np.exp(-distances / (middle if middle > 0 else 1.0)).astype(np.float32)
    return result
