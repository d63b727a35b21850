"""Texts as vectors without any language model: words and pairs of characters, weighted and folded (LSA)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.errors import MissingExtra
from feilun.core.remark import Remark
from feilun.text.segment import words


class WordVectors:
    """An Embedder: TF-IDF of words, folded to few dimensions by a singular value decomposition (Deerwester 1990).

    Args:
        texts: What it learns the words from.
        width: Dimensions.
        seed: Of the decomposition.
    """

    def __init__(self, texts: Sequence[str], width: int = 64, seed: int = 13) -> None:
        try:
            from sklearn.decomposition import TruncatedSVD
            from sklearn.feature_extraction.text import TfidfVectorizer
        except ImportError as error:
            raise MissingExtra(
                "scikit-learn", "data", Remark("Reading texts without a language model", "不用语言模型读取文本")
            ) from error
        self.width = width
        self._counts = TfidfVectorizer(tokenizer=words, token_pattern=None, lowercase=False, sublinear_tf=True)
        known = [text for text in texts if words(text)]
        self._fold = None
        if not known:
            return
        table = self._counts.fit_transform(known)
        inner = min(width, table.shape[1] - 1, table.shape[0] - 1)
        if inner >= 1:
            self._fold = TruncatedSVD(inner, random_state=seed).fit(table)

    def embed(self, corpus: Corpus) -> NDArray[np.float32]:
        """Return a vector a row, shape (rows, width); zeros where no word is known."""
        found = np.zeros((len(corpus), self.width), np.float32)
        if self._fold is not None:
            folded = self._fold.transform(self._counts.transform(list(corpus.text)))
            found[:, : folded.shape[1]] = folded
        return found
