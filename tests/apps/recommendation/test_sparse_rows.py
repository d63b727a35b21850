"""Sums over some rows of a sparse matrix are those of the whole one, also where rows are empty, repeated or none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from feilun.apps.recommendation.records.sparse_rows import products_of, total_of

MATRIX = sparse.random(40, 30, density=0.1, format="csr", random_state=np.random.default_rng(3))


@pytest.mark.parametrize("rows", [[], [0], [5, 5, 2], list(range(40))])
def test_sums_and_products_are_those_of_the_dense_matrix(rows: list[int]) -> None:
    source, dense, chosen = np.random.default_rng(4), MATRIX.toarray(), np.array(rows, np.int64)
    weights, vector = source.random(len(rows)), source.random(30)
    assert total_of(MATRIX, chosen, weights) == pytest.approx(weights @ dense[chosen])
    assert products_of(MATRIX, chosen, vector) == pytest.approx(dense[chosen] @ vector)
