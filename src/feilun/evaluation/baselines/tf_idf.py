"""Words counted and weighed (TF-IDF), and a logistic regression on them, fitted in bounded time."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.errors import MissingExtra
from feilun.core.remark import Remark
from feilun.text.segment import words

INVERSE_REGULARISATION = 10.0
"""The best of 10 and 30 on the development rows of three sets, one Chinese, two English."""

MOST_WEIGHTS = 10_000_000
"""Classes × features; with thousands of classes the rarest words go, so that the fit stays a matter of seconds."""

MOST_WORK = 500_000_000
"""Rows × classes × iterations: bounds the time of the fit."""


def tf_idf(train: Corpus, most: int) -> tuple[Any, Any] | None:
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
        raise MissingExtra("scikit-learn", "data", Remark("The baseline of weighted words", "加权词基线")) from error
    fewest = 2 if len(train) >= 1000 else 1
    vectorizer = TfidfVectorizer(
        analyzer=word_pairs, sublinear_tf=True, min_df=fewest, max_features=most, dtype=np.float32
    )
    try:
        return vectorizer, vectorizer.fit_transform(texts_of(train))
    except ValueError:  # an empty vocabulary
        return None


def word_pairs(text: str) -> list[str]:
    """Return the words of a text, Chinese ones segmented, and each pair of neighbours joined by a space."""
    single: list[str] = words(text)
    return single + [f"{first} {second}" for first, second in pairwise(single)]


def fit_regression(weighed: Any, targets: NDArray[Any], classes: int, weights: NDArray[Any] | None = None) -> Any:
    """Fit a logistic regression in bounded time.

    Args:
        weighed: What `tf_idf` gave.
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
