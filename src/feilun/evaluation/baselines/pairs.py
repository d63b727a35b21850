"""What a model that compares texts read apart has to beat: the words that they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.decisions.similarity import SimilarityDecision
from feilun.core.labels import LabelSet
from feilun.core.ports import Predictor
from feilun.core.prediction import Prediction
from feilun.evaluation.pair_thresholds import fit_similarity
from feilun.evaluation.word_search import Search, bm25, tf_idf, word_cosines

BM25 = "BM25"
TF_IDF = "TF-IDF cosine"


class WordSimilarity:
    """Compares two texts by the cosine of their weighed words, and searches by words; a Predictor.

    Args:
        labels: The label of pairs that differ, and that of pairs that say the same.
        cosines: Gives the cosine of each of two texts.
        decision: Turns cosines into labels.
        index: Makes the search among texts.
    """

    def __init__(
        self,
        labels: LabelSet,
        cosines: Callable[[Sequence[str], Sequence[str]], NDArray[np.float32]],
        decision: SimilarityDecision,
        index: Callable[[Sequence[str]], Search],
    ) -> None:
        self.labels, self.cosines, self.decision, self.index = labels, cosines, decision, index

    def predict(self, corpus: Corpus) -> list[Prediction]:
        """Return one prediction a row, in the order of the rows."""
        return self.decision.decide_by(self.cosines(corpus.text, corpus.pair or ()), self.labels.names)


def fit_pair_baselines(train: Corpus, validation: Corpus, labels: LabelSet) -> dict[str, Predictor]:
    """Fit the baselines that every report shows beside the model.

    Args:
        train: Training rows: how rare words are is learned from them.
        validation: Rows that the threshold is chosen on.
        labels: The label of pairs that differ, and that of pairs that say the same.

    Returns:
        By name: both decide pairs by the cosine of weighed words, and search by that or by BM25.

    Raises:
        MissingExtra: If scikit-learn is absent.
    """
    cosines = word_cosines([*train.text, *(train.pair or ())])
    found = cosines(validation.text, validation.pair or ())
    decision = fit_similarity(found, labels.encode(validation.target or ()) == 1, SimilarityDecision())
    return {name: WordSimilarity(labels, cosines, decision, index) for name, index in ((TF_IDF, tf_idf), (BM25, bm25))}
