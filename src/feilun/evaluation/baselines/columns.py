"""What a model that reads features has to beat: a linear model and gradient boosting on the same columns.

Both get the words of the text too, where there is one: weighed by TF-IDF, for boosting in their main directions. Their
settings are chosen on the validation rows by the figure that also stops the model's training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.decisions.multilabel import MultilabelDecision
from feilun.core.decisions.rank import RankDecision
from feilun.core.decisions.regress import RegressDecision
from feilun.core.decisions.table import AnyDecision
from feilun.core.features import CategoryColumn, FeatureColumns
from feilun.core.labels import LabelSet
from feilun.core.ports import Predictor
from feilun.core.prediction import Decision, Prediction
from feilun.evaluation.baselines.tf_idf import texts_of, tf_idf
from feilun.evaluation.judges.table import JUDGES

LINEAR = "columns + linear model"
BOOSTING = "columns + gradient boosting"

MOST_WORDS = 50_000
DIRECTIONS = 32
STRENGTHS = (0.1, 1.0, 10.0)
"""Inverse regularisation of the linear models that are tried."""

ROUNDS = (30, 100, 300)
"""Trees of the boosted models that are tried."""

MOST_BOOSTED = 20
"""Labels or numbers of which each gets a boosted model of its own; of more, the linear model is the judge."""

FARTHEST = 15.0
SMALLEST = 1e-12

Estimator = Callable[[str, float], Any]
"""Makes what is fitted, for a task and the setting that is tried."""


@dataclass(frozen=True)
class Table:
    """Rows as the baselines read them.

    Args:
        columns: The features.
        words: A fitted vectoriser of the texts; None where they hold no words.
        directions: A fitted truncated singular value decomposition of what it gives.
    """

    columns: FeatureColumns
    words: Any = None
    directions: Any = None

    def linear(self, corpus: Corpus) -> Any:
        """Return scaled numbers, categories as 0 and 1, and weighed words; sparse, shape (rows, any number)."""
        from scipy.sparse import csr_matrix, hstack

        cells = csr_matrix(self.columns.matrix(corpus.features, len(corpus)))
        return cells if self.words is None else hstack([cells, self.words.transform(texts_of(corpus))]).tocsr()

    def boosted(self, corpus: Corpus) -> NDArray[np.float64]:
        """Return numbers (NaN where not known), numbered categories and directions of words, shape (rows, any)."""
        parts = [_cells(column, corpus.features[column.name]) for column in self.columns.columns]
        if self.words is None:
            return np.stack(parts, axis=1)
        told = self.directions.transform(self.words.transform(texts_of(corpus)))
        return np.concatenate([np.stack(parts, axis=1), told], axis=1)

    @property
    def categorical(self) -> list[int]:
        """Return which columns of `boosted` are numbered categories."""
        return [i for i, column in enumerate(self.columns.columns) if isinstance(column, CategoryColumn)]


class ColumnModel:
    """Fitted models of scikit-learn on columns; a Predictor.

    Args:
        labels: The classes, or the names of the numbers.
        decision: Turns their logits into predictions.
        inputs: Turns rows into what they read.
        fitted: One for all classes of `classify`; else one for each label or number, or the logit of a label that all
            rows have or none.
    """

    def __init__(
        self, labels: LabelSet, decision: AnyDecision, inputs: Callable[[Corpus], Any], fitted: Sequence[Any]
    ) -> None:
        self.labels, self.decision, self._inputs, self._fitted = labels, decision, inputs, fitted

    def logits(self, corpus: Corpus) -> NDArray[np.float32]:
        """Return logits, or standardised numbers, shape (rows, labels)."""
        rows = self._inputs(corpus)
        if self.decision.task == "regress":
            return np.stack([one.predict(rows) for one in self._fitted], axis=1).astype(np.float32)
        if self.decision.task in {"multilabel", "rank"}:
            columns = [
                np.full(len(corpus), one) if isinstance(one, float) else one.decision_function(rows)
                for one in self._fitted
            ]
            return np.stack(columns, axis=1).astype(np.float32)
        logits = np.full((len(corpus), len(self.labels)), np.log(SMALLEST), dtype=np.float32)
        logits[:, self._fitted[0].classes_] = np.log(np.maximum(self._fitted[0].predict_proba(rows), SMALLEST))
        return logits

    def predict(self, corpus: Corpus) -> list[Prediction]:
        """Return one prediction a row, in the order of the rows."""
        return self.decision.decide(self.logits(corpus), self.labels.names) if len(corpus) else []


def fit_column_baselines(
    train: Corpus, validation: Corpus, labels: LabelSet, columns: FeatureColumns, task: str
) -> dict[str, Predictor]:
    """Fit a linear model and gradient boosting on the columns that a model reads.

    Args:
        train: Training rows.
        validation: Rows to choose their settings by.
        labels: The classes, or the names of the numbers.
        columns: The columns.
        task: classify, match, multilabel, rank or regress.

    Returns:
        By name. Boosting is left out where there are many labels or numbers.
    """
    table = _table(train, columns)
    undecided, targets = _targets(train, labels, task)
    candidates: dict[str, tuple[Callable[[Corpus], Any], Estimator, Sequence[float]]] = {
        LINEAR: (table.linear, _linear, STRENGTHS)
    }
    if len(targets) <= MOST_BOOSTED:
        categorical = table.categorical
        candidates[BOOSTING] = (table.boosted, lambda kind, rounds: _boosting(kind, int(rounds), categorical), ROUNDS)
    found: dict[str, Predictor] = {}
    for name, (inputs, make, settings) in candidates.items():
        rows = inputs(train)
        models = [ColumnModel(labels, undecided, inputs, _fitted(make, s, task, rows, targets)) for s in settings]
        found[name] = _best(models, validation, labels, task)
    return found


def _best(models: Sequence[ColumnModel], validation: Corpus, labels: LabelSet, task: str) -> ColumnModel:
    """Return the model with the best first figure of its task on the validation rows, calibrated on them."""
    judge = JUDGES[task]
    told = [model.logits(validation) for model in models]
    values = [judge.figures(logits, validation, labels, models[0].decision).get(judge.metrics[0], 0) for logits in told]
    best = int(np.argmax(values))
    models[best].decision = judge.calibrate(told[best], validation, labels, models[best].decision, None)
    return models[best]


def _fitted(make: Estimator, setting: float, task: str, rows: Any, targets: Sequence[NDArray[Any]]) -> list[Any]:
    fitted: list[Any] = []
    for own in targets:
        if task in {"multilabel", "rank"} and (own.all() or not own.any()):
            fitted.append(FARTHEST if own.all() else -FARTHEST)
        else:
            fitted.append(make(task, setting).fit(rows, own))
    return fitted


def _targets(train: Corpus, labels: LabelSet, task: str) -> tuple[AnyDecision, list[NDArray[Any]]]:
    """Return an uncalibrated decision, and what each model of scikit-learn is fitted to."""
    targets = train.target or ()
    if task == "multilabel":
        return MultilabelDecision(), [np.array([name in own for own in targets]) for name in labels.names]
    if task == "rank":
        return RankDecision(), [np.array([target > 0 for target in targets])]
    if task == "regress":
        values = np.array(targets, dtype=np.float64).reshape(len(train), -1)
        centre, scale = values.mean(0), values.std(0).clip(SMALLEST)
        decision = RegressDecision(tuple(centre.tolist()), tuple(scale.tolist()))
        return decision, list(((values - centre) / scale).T)
    return Decision(), [labels.encode([str(target) for target in targets])]


def _linear(task: str, strength: float) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    return Ridge(alpha=1 / strength) if task == "regress" else LogisticRegression(C=strength, max_iter=1000)


def _boosting(task: str, rounds: int, categorical: Sequence[int]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingRegressor if task == "regress" else HistGradientBoostingClassifier
    return kind(max_iter=rounds, categorical_features=list(categorical), early_stopping=False, random_state=0)


def _table(train: Corpus, columns: FeatureColumns) -> Table:
    found = tf_idf(train, MOST_WORDS)
    if found is None:
        return Table(columns)
    from sklearn.decomposition import TruncatedSVD

    words, weighed = found
    directions = TruncatedSVD(min(DIRECTIONS, weighed.shape[1] - 1, len(train) - 1), random_state=0)
    return Table(columns, words, directions.fit(weighed))


def _cells(column: Any, values: Sequence[Any]) -> NDArray[np.float64]:
    if isinstance(column, CategoryColumn):
        return column.numbers(values).astype(np.float64)
    scaled = column.matrix(values).astype(np.float64)
    return np.where(scaled[:, 1] == 1, np.nan, scaled[:, 0])
