"""Rows dealt into folds, so that each is predicted by a model that has not seen it, nor a near copy of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.errors import DataError
from feilun.core.remark import Remark
from feilun.evaluation.baselines.tf_idf import fit_regression
from feilun.text.near_duplicates import near_duplicate_groups


def deal(texts: Sequence[str], targets: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Deal rows into folds of about equal size and equal shares of each label.

    Near duplicates stay together: a copy with the same wrong label in another fold would vouch for it.

    Args:
        texts: The texts.
        targets: The class of each, shape (rows,).
        count: How many folds.
        seed: Orders the rows.

    Returns:
        The fold of each row, shape (rows,).

    Raises:
        DataError: If there are fewer distinct texts than folds.
    """
    groups = near_duplicate_groups(texts)
    names, first, group_of = np.unique(groups, return_index=True, return_inverse=True)
    if len(names) < count:
        raise DataError(
            Remark(
                f"{len(texts):,} rows have {len(names):,} distinct texts: too few for {count} folds.",
                f"{len(texts):,} 行中只有 {len(names):,} 条不同的文本：不够分成 {count} 折。",
            ),
            Remark("Give more rows, or a smaller --folds.", "请给出更多的行，或调小 --folds。"),
        )
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(targets[first][order], kind="stable")]  # a label's groups behind each other
    fold_of_group = np.empty(len(names), np.int64)
    fold_of_group[order] = np.arange(len(names)) % count
    return fold_of_group[group_of]


def out_of_fold(features: Any, targets: NDArray[np.int64], folds: NDArray[np.int64]) -> NDArray[np.float64]:
    """Predict each row by a logistic regression that was fitted on the other folds.

    Args:
        features: Dense or sparse, shape (rows, width).
        targets: The class of each row, shape (rows,).
        folds: The fold of each row, shape (rows,).

    Returns:
        Probabilities of shape (rows, classes); 0 for a class of which all rows stand in the row's own fold.
    """
    classes = int(targets.max()) + 1
    found = np.zeros((len(targets), classes))
    for fold in np.unique(folds):
        own = folds == fold
        model = fit_regression(features[~own], targets[~own], classes * (int(folds.max()) + 1))
        found[np.ix_(own, model.classes_)] = model.predict_proba(features[own])
    return found
