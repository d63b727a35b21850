"""What a model of several labels has to beat: always the commonest set, and words counted and weighed."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.decisions.multilabel import MultilabelDecision
from feilun.core.errors import MissingExtra
from feilun.core.labels import LabelSet
from feilun.core.ports import Predictor
from feilun.core.prediction import Prediction
from feilun.evaluation.baselines import INVERSE_REGULARISATION, MOST_WEIGHTS, MOST_WORK, WORDS, texts_of, word_pairs
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
    try:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise MissingExtra("scikit-learn", "data", "The baseline of weighted words") from error
    rows, classes = targets.shape
    vectorizer = TfidfVectorizer(
        analyzer=word_pairs,
        sublinear_tf=True,
        min_df=2 if rows >= 1000 else 1,
        max_features=MOST_WEIGHTS // classes,
        dtype=np.float32,
    )
    try:
        weighed = vectorizer.fit_transform(texts_of(train))
    except ValueError:  # no text holds a word: an empty vocabulary
        return None
    iterations = int(np.clip(MOST_WORK / (rows * classes), 20, 100))
    regressions: list[Any] = []
    for own in targets.T:
        if own.all() or not own.any():
            regressions.append(float(np.clip(own.mean(), SMALLEST_SHARE, 1 - SMALLEST_SHARE)))
            continue
        regression = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=iterations)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # what more iterations gain is far below the noise
            regressions.append(regression.fit(weighed, own))
    return WordSetModel(labels, vectorizer, regressions)
