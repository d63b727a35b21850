"""What a model has to beat to be worth its cost: always the majority class, and words counted and weighed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.labels import LabelSet
from feilun.core.ports import Predictor
from feilun.core.prediction import Prediction, Ranking
from feilun.evaluation.baselines.tf_idf import MOST_WEIGHTS, fit_regression, texts_of, tf_idf

MAJORITY = "majority class"
WORDS = "TF-IDF + logistic regression"


class MajorityClass:
    """Predicts the most frequent training label for every text, with the label shares as scores; a Predictor.

    Args:
        labels: The classes, in class order.
        shares: Share of each class among the training rows, shape (labels,).
    """

    def __init__(self, labels: LabelSet, shares: NDArray[np.float32]) -> None:
        self.labels = labels
        self._prediction = _predictions(labels, shares[None])[0]

    def predict(self, corpus: Corpus) -> list[Prediction]:
        """Return the same prediction for each row."""
        return [self._prediction] * len(corpus)


class WordModel:
    """Logistic regression on weighted words and pairs of neighbouring words; a Predictor.

    Args:
        labels: The classes, in class order.
        vectorizer: A fitted TF-IDF vectoriser of scikit-learn.
        regression: A fitted logistic regression whose classes are class indices.
    """

    def __init__(self, labels: LabelSet, vectorizer: Any, regression: Any) -> None:
        self.labels = labels
        self._vectorizer = vectorizer
        self._regression = regression

    def predict(self, corpus: Corpus) -> list[Prediction]:
        """Return one prediction a row, in the order of the rows."""
        if len(corpus) == 0:
            return []
        weighed = self._vectorizer.transform(texts_of(corpus))
        scores = np.zeros((len(corpus), len(self.labels)), dtype=np.float32)
        scores[:, self._regression.classes_] = self._regression.predict_proba(weighed)
        return _predictions(self.labels, scores)


def fit_baselines(train: Corpus, labels: LabelSet) -> dict[str, Predictor]:
    """Fit the baselines that every report shows beside the model.

    Args:
        train: Training rows with targets.
        labels: The classes, in class order.

    Returns:
        By name: `majority class`, and `TF-IDF + logistic regression` where the rows hold two classes and any words.

    Raises:
        DataError: If a target is not among the labels.
        MissingExtra: If scikit-learn is not installed.
    """
    targets = labels.encode([str(target) for target in train.target or ()])
    counts = np.bincount(targets, minlength=len(labels))
    shares = (counts / max(len(targets), 1)).astype(np.float32)
    baselines: dict[str, Predictor] = {MAJORITY: MajorityClass(labels, shares)}
    if np.count_nonzero(counts) > 1:
        model = _fit_words(train, targets, labels)
        if model is not None:
            baselines[WORDS] = model
    return baselines


def _fit_words(train: Corpus, targets: NDArray[np.int64], labels: LabelSet) -> WordModel | None:
    classes = int(np.count_nonzero(np.bincount(targets)))
    found = tf_idf(train, MOST_WEIGHTS // classes)
    if found is None:
        return None
    vectorizer, weighed = found
    return WordModel(labels, vectorizer, fit_regression(weighed, targets, classes))


def _predictions(labels: LabelSet, scores: NDArray[np.float32]) -> list[Prediction]:
    best = scores.argmax(axis=1)
    return [
        Prediction(labels.names[i], float(row[i]), Ranking(labels.names, row))
        for i, row in zip(best.tolist(), scores, strict=True)
    ]
