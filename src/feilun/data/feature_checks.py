"""Features that mislead: an id, which is learnt by heart, and what is only known once the answer is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.errors import DataError, MissingExtra
from feilun.core.features import CategoryColumn, NumberColumn, category_of, number_of
from feilun.core.remark import Remark

FEWEST_ROWS = 20
"""Rows below which all cells may differ by chance."""

MOST_ROWS = 4_000
FOLDS = 3
TELLING = 0.98
"""Share of what the commonest answer gets wrong that a column alone must get right to be suspected."""


def check_identity(column: NumberColumn | CategoryColumn, values: Sequence[Any], rows: int) -> list[Remark]:
    """Refuse a column that names each row.

    Args:
        column: The column.
        values: Its cells.
        rows: How many there are.

    Returns:
        A warning where whole numbers all differ and lie far apart: amounts, or the numbers of accounts.

    Raises:
        DataError: If all cells differ, and are no amounts: words, or whole numbers that count the rows.
    """
    if rows < FEWEST_ROWS:
        return []
    suspected = False
    if isinstance(column, CategoryColumn):
        known = [cell for cell in map(category_of, values) if cell is not None]
        names_rows = len(known) >= FEWEST_ROWS and len(set(known)) == len(known)
    else:
        numbers = np.array([found for value in values if (found := number_of(value)) is not None])
        whole = len(numbers) == rows and bool((numbers == np.round(numbers)).all())
        suspected = whole and len(np.unique(numbers)) == rows
        names_rows = suspected and np.ptp(numbers) < 2 * rows
    if names_rows:
        raise DataError(
            Remark(
                f"The column {column.name!r} of data.features has another value in each of {rows:,} training rows: it "
                "is an id, from which nothing can be learnt for new rows.",
                f"data.features 的列 {column.name!r} 在 {rows:,} 个训练行中各不相同：它是编号，"
                "对新的行学不到任何东西。",
            ),
            Remark(
                "Leave it out of data.features; a column of words is read by data.text.",
                "请从 data.features 中去掉它；文字列应由 data.text 读取。",
            ),
        )
    said = Remark(
        f"The column {column.name!r} has another whole number in each training row: if it is an id, leave it out.",
        f"列 {column.name!r} 在每个训练行中都是不同的整数：如果是编号，请去掉。",
    )
    return [said] if suspected else []


def telling_columns(columns: Sequence[NumberColumn | CategoryColumn], train: Corpus, task: str) -> list[str]:
    """Warn of columns that tell the target all by themselves, as what was written down after it does.

    A decision tree sees each column alone and is judged on rows that it did not see.

    Args:
        columns: The columns.
        train: The training rows.
        task: What is predicted.

    Returns:
        A finished sentence for each.

    Raises:
        MissingExtra: If scikit-learn is not installed.
    """
    rows = np.random.default_rng(0).permutation(len(train))[:MOST_ROWS]
    corpus = train.select(rows.tolist())
    if len(corpus) < FEWEST_ROWS:
        return []
    found: list[str] = []
    for column in columns:
        share = max((_told(column, corpus, own, task) for own in _targets(corpus, task)), default=0.0)
        if share >= TELLING:
            found.append(
                Remark(
                    f"The column {column.name!r} alone tells the target ({share:.1%} of it on unseen rows): is it "
                    "known when the prediction is made? If it is written down afterwards, leave it out of "
                    "data.features.",
                    f"仅凭列 {column.name!r} 就能说出目标（未见行上的 {share:.1%}）：预测之时它已知吗？"
                    "若是事后才写下的，请从 data.features 中去掉。",
                )
            )
    return found


def _targets(corpus: Corpus, task: str) -> list[NDArray[Any]]:
    """Return the targets as columns that a tree can learn: classes, numbers, or whether a row has each label."""
    targets = corpus.target or ()
    if task == "multilabel":
        names = sorted({name for own in targets for name in own})
        return [np.array([name in own for own in targets]) for name in names]
    if task == "regress":
        return list(np.array(targets, dtype=np.float64).reshape(len(corpus), -1).T)
    return [np.array([str(target) for target in targets])]


def _told(column: NumberColumn | CategoryColumn, corpus: Corpus, targets: NDArray[Any], task: str) -> float:
    """Return the share of the target, beyond the commonest answer or the mean, that a column alone tells."""
    try:
        from sklearn.model_selection import KFold, cross_val_predict
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
    except ImportError as error:
        raise MissingExtra(
            "scikit-learn", "data", Remark("Looking for features that tell too much", "查找泄露目标的列")
        ) from error
    values = corpus.features[column.name]
    cells = column.numbers(values)[:, None] if isinstance(column, CategoryColumn) else column.matrix(values)
    tree = (DecisionTreeRegressor if task == "regress" else DecisionTreeClassifier)(min_samples_leaf=2, random_state=0)
    told = cross_val_predict(tree, cells, targets, cv=KFold(FOLDS, shuffle=True, random_state=0))
    if task == "regress":
        spread = float(((targets - targets.mean()) ** 2).sum())
        return 1 - float(((targets - told) ** 2).sum()) / spread if spread else 0.0
    commonest = np.unique(targets, return_counts=True)[1].max() / len(targets)
    return float(((told == targets).mean() - commonest) / (1 - commonest)) if commonest < 1 else 0.0
