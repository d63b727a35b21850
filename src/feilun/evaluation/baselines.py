"""What a model has to beat to be worth its cost: always the majority class, and words counted and weighed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.errors import MissingExtra
from feilun.core.labels import LabelSet
from feilun.core.ports import Predictor
from feilun.core.prediction import Prediction, Ranking
from feilun.text.segment import words

MAJORITY = "majority class"
WORDS = "TF-IDF + logistic regression"

INVERSE_REGULARISATION = 10.0
"""The best of 10 and 30 on the development rows of three sets, one Chinese, two English."""

MOST_WEIGHTS = 10_000_000
"""Classes × features; with thousands of classes the rarest words go, so that the fit stays a matter of seconds."""

MOST_WORK = 500_000_000
"""Rows × classes × iterations: bounds the time of the fit."""


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


def word_pairs(text: str) -> list[str]:
    """Return the words of a text, Chinese ones segmented, and each pair of neighbours joined by a space."""
    single: list[str] = words(text)
    return single + [f"{first} {second}" for first, second in pairwise(single)]


def _fit_words(train: Corpus, targets: NDArray[np.int64], labels: LabelSet) -> WordModel | None:
    classes = int(np.count_nonzero(np.bincount(targets)))
    found = weighed_words(train, MOST_WEIGHTS // classes)
    if found is None:
        return None
    vectorizer, weighed = found
    return WordModel(labels, vectorizer, fit_regression(weighed, targets, classes))


def weighed_words(train: Corpus, most: int) -> tuple[Any, Any] | None:
    """Weigh the words of texts, and their pairs of neighbours, by TF-IDF.

    Args:
        train: The rows.
        most: Most features; the rarest go.

    Returns:
        The fitted vectoriser and the weights, sparse, shape (rows, features); None where no text holds a word.

    Raises:
        MissingExtra: If scikit-learn is absent.
    """
    try:
        import sklearn.linear_model  # noqa: F401 - what is fitted to the weights
        from sklearn.feature_extraction.text import TfidfVectorizer
    except ImportError as error:
        raise MissingExtra("scikit-learn", "data", "The baseline of weighted words") from error
    fewest = 2 if len(train) >= 1000 else 1
    vectorizer = TfidfVectorizer(
        analyzer=word_pairs, sublinear_tf=True, min_df=fewest, max_features=most, dtype=np.float32
    )
    try:
        return vectorizer, vectorizer.fit_transform(texts_of(train))
    except ValueError:  # an empty vocabulary
        return None


def fit_regression(weighed: Any, targets: NDArray[Any], classes: int, weights: NDArray[Any] | None = None) -> Any:
    """Fit a logistic regression in bounded time.

    Args:
        weighed: What `weighed_words` gave.
        targets: The class of each row, shape (rows,).
        classes: How many classes are fitted on these rows in all; more of them get fewer iterations each.
        weights: What each row counts as, shape (rows,); None: all alike.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    iterations = int(np.clip(MOST_WORK / (weighed.shape[0] * classes), 20, 100))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what more iterations gain is far below the noise
        return LogisticRegression(C=INVERSE_REGULARISATION, max_iter=iterations).fit(
            weighed, targets, sample_weight=weights
        )


def texts_of(corpus: Corpus) -> Sequence[str]:
    """Return what of each row is read: the text, and the second text behind it where there is one."""
    if corpus.pair is None:
        return corpus.text
    return [f"{text}\n{pair}" for text, pair in zip(corpus.text, corpus.pair, strict=True)]


def _predictions(labels: LabelSet, scores: NDArray[np.float32]) -> list[Prediction]:
    best = scores.argmax(axis=1)
    return [
        Prediction(labels.names[i], float(row[i]), Ranking(labels.names, row))
        for i, row in zip(best.tolist(), scores, strict=True)
    ]
