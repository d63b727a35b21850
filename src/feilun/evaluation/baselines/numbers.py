"""What a model of numbers has to beat: always the mean, and words counted and weighed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.decisions.regress import RegressDecision
from feilun.core.ports import Predictor
from feilun.core.prediction import Prediction
from feilun.evaluation.baselines.tf_idf import texts_of, tf_idf
from feilun.evaluation.conformal import reach_of
from feilun.evaluation.metrics.arithmetic import Floats

MEAN = "mean"
WORDS = "TF-IDF + ridge regression"
MOST_FEATURES = 100_000
REGULARISATION = 1.0


class Mean:
    """Predicts the mean of the training rows for every text; a Predictor.

    Args:
        names: Names of the numbers.
        decision: Has the mean as centre.
    """

    def __init__(self, names: tuple[str, ...], decision: RegressDecision) -> None:
        self.names = names
        self.decision = decision

    def logits(self, corpus: Corpus) -> NDArray[np.float32]:
        """Return zeros: no deviation from the mean; shape (rows, numbers)."""
        return np.zeros((len(corpus), len(self.names)), dtype=np.float32)

    def predict(self, corpus: Corpus) -> list[Prediction]:
        """Return the same prediction for each row."""
        return self.decision.decide(self.logits(corpus), self.names)


class WordRegression(Mean):
    """Ridge regression on weighted words and pairs of neighbouring words; a Predictor.

    Args:
        names: Names of the numbers.
        decision: Has mean and standard deviation of the training rows.
        vectorizer: A fitted TF-IDF vectoriser of scikit-learn.
        regression: A fitted ridge regression on standardised numbers.
    """

    def __init__(self, names: tuple[str, ...], decision: RegressDecision, vectorizer: Any, regression: Any) -> None:
        super().__init__(names, decision)
        self._vectorizer = vectorizer
        self._regression = regression

    def logits(self, corpus: Corpus) -> NDArray[np.float32]:
        """Return standardised numbers, shape (rows, numbers)."""
        if len(corpus) == 0:
            return super().logits(corpus)
        predicted = self._regression.predict(self._vectorizer.transform(texts_of(corpus)))
        return np.asarray(predicted, dtype=np.float32).reshape(len(corpus), -1)


def fit_number_baselines(
    train: Corpus, targets: Floats, validation: Corpus, validation_targets: Floats, names: tuple[str, ...]
) -> dict[str, Predictor]:
    """Fit the baselines that every report of numbers shows beside the model.

    Args:
        train: Training rows.
        targets: Their numbers, shape (rows, numbers).
        validation: Rows that the intervals are measured on, as the model's are.
        validation_targets: Their numbers, shape (rows, numbers).
        names: Names of the numbers.

    Returns:
        By name: the mean, and TF-IDF + ridge regression where the rows hold any words.

    Raises:
        MissingExtra: If scikit-learn is not installed.
    """
    centre, scale = targets.mean(0), targets.std(0).clip(1e-12)
    plain = RegressDecision(tuple(centre.tolist()), tuple(scale.tolist()))
    models = {MEAN: Mean(names, plain)}
    words = _fit_words(train, (targets - centre) / scale, names, plain)
    if words is not None:
        models[WORDS] = words
    for model in models.values():
        values = plain.values(model.logits(validation))
        model.decision = replace(plain, reach=reach_of(values, validation_targets, plain.coverage))
    return dict(models)


def _fit_words(
    train: Corpus, standardised: Floats, names: tuple[str, ...], decision: RegressDecision
) -> WordRegression | None:
    found = tf_idf(train, MOST_FEATURES)
    if found is None:
        return None
    from sklearn.linear_model import Ridge

    vectorizer, weighed = found
    return WordRegression(names, decision, vectorizer, Ridge(alpha=REGULARISATION).fit(weighed, standardised))
