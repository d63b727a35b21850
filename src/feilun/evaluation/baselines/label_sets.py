"""What a model of several labels has to beat: always the commonest set, and words counted and weighed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.decisions.multilabel import MultilabelDecision
from feilun.core.labels import LabelSet
from feilun.core.ports import Predictor
from feilun.core.prediction import Prediction
from feilun.evaluation.baselines.single_label import WORDS
from feilun.evaluation.baselines.tf_idf import MOST_WEIGHTS, fit_regression, texts_of, tf_idf
from feilun.evaluation.label_thresholds import fit_thresholds

COMMONEST = "commonest set of labels"
SMALLEST_SHARE = 1e-6


class CommonestSet:
    """Predicts the commonest set of training labels for every text, with the label shares as scores; a Predictor.

    Args:
        labels: The classes, in class order.
        targets: True labels of the training rows, shape (rows, labels).
    """

    def __init__(self, labels: LabelSet, targets: NDArray[np.bool_]) -> None:
        self.labels = labels
        (chosen, _), *_ = Counter(map(tuple, targets.tolist())).most_common(1)
        shares = targets.mean(axis=0).clip(SMALLEST_SHARE, 1 - SMALLEST_SHARE)
        logits = np.log(shares / (1 - shares)).astype(np.float32)
        thresholds = [(name, 0.0 if own else 1.1) for name, own in zip(labels.names, chosen, strict=True)]
        decision = MultilabelDecision(label_thresholds=tuple(thresholds))
        self._prediction = decision.decide(logits[None], labels.names)[0]

    def predict(self, corpus: Corpus) -> list[Prediction]:
        """Return the same prediction for each row."""
        return [self._prediction] * len(corpus)


class WordSetModel:
    """Logistic regression of each label on weighted words; a Predictor.

    Args:
        labels: The classes, in class order.
        vectorizer: A fitted TF-IDF vectoriser of scikit-learn.
        regressions: By label a fitted logistic regression, or the share of a label that all rows have or none.
    """

    def __init__(self, labels: LabelSet, vectorizer: Any, regressions: list[Any]) -> None:
        self.labels = labels
        self.decision = MultilabelDecision()
        self._vectorizer = vectorizer
        self._regressions = regressions

    def logits(self, corpus: Corpus) -> NDArray[np.float32]:
        """Return logits of shape (rows, labels)."""
        weighed = self._vectorizer.transform(texts_of(corpus))
        columns = [
            np.full(len(corpus), np.log(one / (1 - one))) if isinstance(one, float) else one.decision_function(weighed)
            for one in self._regressions
        ]
        return np.stack(columns, axis=1).astype(np.float32)

    def predict(self, corpus: Corpus) -> list[Prediction]:
        """Return one prediction a row, in the order of the rows."""
        if len(corpus) == 0:
            return []
        return self.decision.decide(self.logits(corpus), self.labels.names)


def fit_set_baselines(
    train: Corpus,
    targets: NDArray[np.bool_],
    validation: Corpus,
    validation_targets: NDArray[np.bool_],
    labels: LabelSet,
) -> dict[str, Predictor]:
    """Fit the baselines that every report of several labels shows beside the model.

    Args:
        train: Training rows.
        targets: Their labels, shape (rows, labels).
        validation: Rows to choose thresholds by, as the model's are.
        validation_targets: Their labels, shape (rows, labels).
        labels: The classes, in class order.

    Returns:
        By name: the commonest set, and TF-IDF with a logistic regression for each label where the rows hold words.

    Raises:
        MissingExtra: If scikit-learn is not installed.
    """
    baselines: dict[str, Predictor] = {COMMONEST: CommonestSet(labels, targets)}
    model = _fit_words(train, targets, labels)
    if model is not None:
        probabilities = model.decision.probabilities(model.logits(validation))
        threshold, own = fit_thresholds(probabilities, validation_targets, labels.names)
        model.decision = MultilabelDecision(threshold=threshold, label_thresholds=own)
        baselines[WORDS] = model
    return baselines


def _fit_words(train: Corpus, targets: NDArray[np.bool_], labels: LabelSet) -> WordSetModel | None:
    classes = targets.shape[1]
    found = tf_idf(train, MOST_WEIGHTS // classes)
    if found is None:
        return None
    vectorizer, weighed = found
    regressions: list[Any] = []
    for own in targets.T:
        if own.all() or not own.any():
            regressions.append(float(np.clip(own.mean(), SMALLEST_SHARE, 1 - SMALLEST_SHARE)))
        else:
            regressions.append(fit_regression(weighed, own, classes))
    return WordSetModel(labels, vectorizer, regressions)
