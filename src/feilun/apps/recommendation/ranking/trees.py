"""The final ranking: gradient-boosted trees that learn to order lists (LambdaMART, Burges 2010; LightGBM)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.errors import DataError
from feilun.core.remark import Remark

if TYPE_CHECKING:
    from lightgbm import Booster

PATIENCE = 20
"""Trees without a better validation figure after which growing stops."""


@dataclass(frozen=True)
class TreeSettings:
    """How trees grow.

    Args:
        trees: Most trees.
        leaves: Leaves of a tree.
        learning_rate: Weight of each.
        monotone: By feature, 1 where growth may only help, -1 where it may only hurt.
        seed: Of everything drawn.
    """

    trees: int = 150
    leaves: int = 15
    learning_rate: float = 0.05
    monotone: Mapping[str, int] | None = None
    seed: int = 13


class Trees:
    """Grown trees over named features.

    Args:
        booster: LightGBM's model.
        names: The features that it reads, in order.
    """

    def __init__(self, booster: Booster, names: Sequence[str]) -> None:
        self.booster = booster
        self.names = tuple(names)

    def scores(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return raw scores, higher being better, shape (rows,); the table has a column for each name."""
        if not len(table):
            return np.zeros(0)
        return np.asarray(self.booster.predict(table, raw_score=True, num_threads=1), dtype=np.float64)

    def contributions(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each feature adds to each score (SHAP values, Lundberg 2018), shape (rows, features)."""
        if not len(table):
            return np.zeros((0, len(self.names)))
        return np.asarray(self.booster.predict(table, pred_contrib=True, num_threads=1))[:, :-1]

    def to_text(self) -> str:
        """Return LightGBM's text format, which holds numbers only."""
        return str(self.booster.model_to_string())

    @classmethod
    def from_text(cls, text: str, names: Sequence[str]) -> Trees:
        """Read what `to_text` wrote.

        Raises:
            DataError: If it is damaged, or reads another number of features.
        """
        import lightgbm

        try:
            booster = lightgbm.Booster(model_str=text)
        except lightgbm.basic.LightGBMError as error:
            raise DataError(
                Remark(f"The final ranking cannot be read: {error}.", f"无法读取精排模型：{error}。"),
                Remark("Train the application again.", "请重新训练应用。"),
            ) from error
        if booster.num_feature() != len(names):
            raise DataError(
                Remark(
                    f"The final ranking reads {booster.num_feature()} features, the application has {len(names)}.",
                    f"精排模型读取 {booster.num_feature()} 个特征，而应用有 {len(names)} 个。",
                ),
                Remark(
                    "It was trained by another version or with other settings: train it again.",
                    "它由另一个版本或用另一套设置训练：请重新训练。",
                ),
            )
        return cls(booster, names)


def grow_ranking(
    table: NDArray[np.float64],
    relevance: NDArray[np.float64],
    groups: NDArray[np.int64],
    held_out: NDArray[np.bool_],
    names: Sequence[str],
    settings: TreeSettings,
    begun: NDArray[np.float64] | None = None,
) -> Trees:
    """Learn to order the candidates of each group.

    Args:
        table: Shape (rows, features).
        relevance: 0 for what was not taken, else how much it says, shape (rows,).
        groups: Ascending, shape (rows,).
        held_out: Rows of whole groups that only decide when to stop, shape (rows,).
        names: Of the features.
        settings: How trees grow.
        begun: Scores that the trees correct, shape (rows,).

    Returns:
        The trees; their scores are what they add.
    """
    levels = np.minimum(np.ceil(relevance), 4).astype(np.int64)
    more = {"objective": "lambdarank", "metric": "ndcg", "eval_at": [10], "lambdarank_truncation_level": 20}
    return _grow(table, levels, groups, held_out, names, settings, more, begun)


def grow_clicks(
    table: NDArray[np.float64],
    clicked: NDArray[np.bool_],
    held_out: NDArray[np.bool_],
    names: Sequence[str],
    settings: TreeSettings,
) -> Trees:
    """Learn the log-odds of a click.

    Args:
        table: Shape (rows, features).
        clicked: Shape (rows,).
        held_out: Rows that only decide when to stop, shape (rows,).
        names: Of the features.
        settings: How trees grow.

    Returns:
        The trees.
    """
    return _grow(
        table,
        clicked.astype(np.int64),
        None,
        held_out,
        names,
        settings,
        {"objective": "binary", "metric": "binary_logloss"},
    )


def _grow(
    table: NDArray[np.float64],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64] | None,
    held_out: NDArray[np.bool_],
    names: Sequence[str],
    settings: TreeSettings,
    more: Mapping[str, Any],
    begun: NDArray[np.float64] | None = None,
) -> Trees:
    import lightgbm

    monotone = [(settings.monotone or {}).get(name, 0) for name in names]
    parameters = {
        "num_leaves": settings.leaves, "learning_rate": settings.learning_rate, "seed": settings.seed,
        "deterministic": True, "force_row_wise": True, "num_threads": 1, "verbosity": -1, "min_data_in_leaf": 20,
        "feature_fraction": 0.8, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 1.0,
        "monotone_constraints": monotone, **more,
    }  # fmt: skip

    def part(rows: NDArray[np.bool_], reference: Any = None) -> Any:
        sizes = None if groups is None else np.unique(groups[rows], return_counts=True)[1]
        first = None if begun is None else begun[rows]
        return lightgbm.Dataset(table[rows], labels[rows], group=sizes, init_score=first, reference=reference)

    learned = part(~held_out)
    judged = [part(held_out, learned)] if held_out.any() else []
    stop = [lightgbm.early_stopping(PATIENCE, verbose=False)] if judged else []
    booster = lightgbm.train(parameters, learned, settings.trees, valid_sets=judged, callbacks=stop)
    return Trees(booster, names)
