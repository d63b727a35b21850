"""Search by words: how near texts are to a query by BM25, and by the cosine of weighed words (TF-IDF)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.errors import MissingExtra
from feilun.core.remark import Remark

Search = Callable[[Sequence[str]], NDArray[np.float32]]
"""From queries, how near each text of a collection is to each, shape (queries, texts)."""

TERM_GROWTH, LENGTH_SHARE = 1.2, 0.75
"""k1 and b of BM25 (Robertson and Zaragoza 2009): how fast a repeated term counts less, and how much length does."""

RUN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+|[^\W_\u3400-\u9fff\uf900-\ufaff]+")
CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")


def terms(text: str) -> list[str]:
    """Return what is searched by: words in lower case, and of Chinese each character and each pair of neighbours."""
    found: list[str] = []
    for run in RUN.findall(text.lower()):
        if CHINESE.match(run):
            found += [*run, *(one + other for one, other in pairwise(run))]
        else:
            found.append(run)
    return found


def bm25(texts: Sequence[str]) -> Search:
    """Index texts by BM25 (Robertson and Zaragoza 2009).

    Args:
        texts: The collection.

    Returns:
        The search.

    Raises:
        MissingExtra: If scikit-learn is absent.
    """
    vectorizer = _vectorizer()
    counts = _fitted(vectorizer, texts)
    if counts is None:
        return lambda queries: np.zeros((len(queries), len(texts)), np.float32)
    indexed = _saturated(counts, _rarity(counts), float(counts.sum() / len(texts))).T.tocsr()  # (terms, texts)

    def search(queries: Sequence[str]) -> NDArray[np.float32]:
        asked = (vectorizer.transform(queries) > 0).astype(np.float32)
        scores: NDArray[np.float32] = (asked @ indexed).toarray().astype(np.float32)
        return scores

    return search


def bm25_pairs(texts: Sequence[str]) -> Callable[[Sequence[str], Sequence[str]], NDArray[np.float32]]:
    """Learn from texts how rare terms are and how long texts; return BM25 of queries and texts, shape (rows,).

    Raises:
        MissingExtra: If scikit-learn is absent.
    """
    vectorizer = _vectorizer()
    counts = _fitted(vectorizer, texts)
    if counts is None:
        return lambda queries, candidates: np.zeros(len(queries), np.float32)
    weights, mean_length = _rarity(counts), float(counts.sum() / len(texts))

    def scores(queries: Sequence[str], candidates: Sequence[str]) -> NDArray[np.float32]:
        asked = (vectorizer.transform(queries) > 0).astype(np.float32)
        told = _saturated(vectorizer.transform(candidates), weights, mean_length)
        return np.asarray(asked.multiply(told).sum(1), dtype=np.float32).ravel()

    return scores


def tf_idf(texts: Sequence[str]) -> Search:
    """Index texts by the cosine of their terms, weighed by how often they occur and how rare they are.

    Args:
        texts: The collection.

    Returns:
        The search; its scores lie between 0 and 1.

    Raises:
        MissingExtra: If scikit-learn is absent.
    """
    vectorizer = _vectorizer(weighed=True)
    indexed = _fitted(vectorizer, texts)
    if indexed is None:
        return lambda queries: np.zeros((len(queries), len(texts)), np.float32)

    def search(queries: Sequence[str]) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = (vectorizer.transform(queries) @ indexed.T).toarray().astype(np.float32)
        return scores

    return search


def word_cosines(texts: Sequence[str]) -> Callable[[Sequence[str], Sequence[str]], NDArray[np.float32]]:
    """Learn how rare terms are from texts; return what gives the cosine of each of two texts, shape (rows,).

    Raises:
        MissingExtra: If scikit-learn is absent.
    """
    vectorizer = _vectorizer(weighed=True)
    if _fitted(vectorizer, texts) is None:
        return lambda first, second: np.zeros(len(first), np.float32)

    def cosines(first: Sequence[str], second: Sequence[str]) -> NDArray[np.float32]:
        products = vectorizer.transform(first).multiply(vectorizer.transform(second)).sum(1)
        return np.asarray(products, dtype=np.float32).ravel()

    return cosines


def _rarity(counts: Any) -> NDArray[np.float64]:
    """Return the weight of each term by how few texts hold it, shape (terms,)."""
    holding = np.asarray((counts > 0).sum(0)).ravel()
    weights: NDArray[np.float64] = np.log1p((counts.shape[0] - holding + 0.5) / (holding + 0.5))
    return weights


def _saturated(counts: Any, weights: NDArray[np.float64], mean_length: float) -> Any:
    """Return what each term of each text adds to BM25, sparse, shape (texts, terms)."""
    lengths = np.asarray(counts.sum(1)).ravel()
    terms_of = counts.tocoo()
    damped = TERM_GROWTH * (1 - LENGTH_SHARE + LENGTH_SHARE * lengths[terms_of.row] / max(mean_length, 1e-9))
    terms_of.data = weights[terms_of.col] * terms_of.data * (TERM_GROWTH + 1) / (terms_of.data + damped)
    return terms_of.tocsr()


def _vectorizer(*, weighed: bool = False) -> Any:
    try:
        from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    except ImportError as error:
        raise MissingExtra("scikit-learn", "data", Remark("Search by words", "按词搜索")) from error
    if weighed:
        return TfidfVectorizer(analyzer=terms, sublinear_tf=True, dtype=np.float32)
    return CountVectorizer(analyzer=terms, dtype=np.float32)


def _fitted(vectorizer: Any, texts: Sequence[str]) -> Any | None:
    """Return the terms of texts, sparse, shape (texts, terms); None where no text holds one."""
    try:
        return vectorizer.fit_transform(texts)
    except ValueError:  # an empty vocabulary
        return None
