"""Cells of some rows of a sparse matrix: scipy's slices are matrices, which take longer to make than to sum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse


def cells_of(matrix: sparse.csr_matrix, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where the cells of some rows are, and whose they are.

    Args:
        matrix: Shape (all rows, columns).
        rows: Their numbers, shape (rows,).

    Returns:
        Places in `matrix.data` and `matrix.indices`, and the place in `rows` of each cell's row, shapes (cells,).
    """
    starts = matrix.indptr[rows].astype(np.int64)
    counts = matrix.indptr[rows + 1] - starts
    owners = np.repeat(np.arange(len(rows)), counts)
    within = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    return starts[owners] + within, owners


def total_of(matrix: sparse.csr_matrix, rows: NDArray[np.int64], weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the weighted sum of some rows, shape (columns,).

    Args:
        matrix: Shape (all rows, columns).
        rows: Their numbers, shape (rows,).
        weights: Of each, shape (rows,).
    """
    cells, owners = cells_of(matrix, rows)
    sums = np.bincount(matrix.indices[cells], matrix.data[cells] * weights[owners], matrix.shape[1])
    return np.asarray(sums, dtype=np.float64)


def products_of(
    matrix: sparse.csr_matrix, rows: NDArray[np.int64], vector: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the product of each of some rows with a vector, shape (rows,).

    Args:
        matrix: Shape (all rows, columns).
        rows: Their numbers, shape (rows,).
        vector: Shape (columns,).
    """
    cells, owners = cells_of(matrix, rows)
    sums = np.bincount(owners, matrix.data[cells] * vector[matrix.indices[cells]], len(rows))
    return np.asarray(sums, dtype=np.float64)
