"""What a model that orders candidates has to beat: the order by the words that query and candidate share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.decisions.rank import RankDecision
from feilun.core.ports import Predictor
from feilun.core.prediction import Prediction
from feilun.evaluation.baselines.pairs import BM25, TF_IDF
from feilun.evaluation.word_search import bm25_pairs, word_cosines

Scores = Callable[[Sequence[str], Sequence[str]], NDArray[np.float32]]
"""From queries and their candidates, how near the two of each row are, shape (rows,)."""


class WordOrder:
    """Orders candidates by the words that they share with the query; a Predictor.

    Args:
        scores: How near query and candidate are.
    """

    def __init__(self, scores: Scores) -> None:
        self.scores, self.decision = scores, RankDecision()

    def predict(self, corpus: Corpus) -> list[Prediction]:
        """Return one prediction a row, in the order of the rows."""
        return self.decision.decide(self.scores(corpus.text, corpus.pair or ())[:, None], ())


def fit_rank_baselines(train: Corpus) -> dict[str, Predictor]:
    """Learn from the training candidates how rare words are.

    Args:
        train: Training rows.

    Returns:
        By name: the cosine of weighed words, and BM25.

    Raises:
        MissingExtra: If scikit-learn is absent.
    """
    candidates = list(dict.fromkeys(train.pair or ()))
    return {TF_IDF: WordOrder(word_cosines(candidates)), BM25: WordOrder(bm25_pairs(candidates))}
