"""How texts are read before a light classifier: by a base that stays as it is, or by their weighted words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.errors import BaseModelError, DataError, MissingExtra
from feilun.core.remark import Remark
from feilun.data.paths import shown
from feilun.evaluation.baselines.tf_idf import MOST_WEIGHTS, tf_idf
from feilun.workflow.labelling.labelled_texts import Place

WORDS = "words"
"""Stands for a base where texts are to be read by their words."""


@dataclass(frozen=True)
class Vectors:
    """Texts as vectors.

    Args:
        matrix: Shape (rows, width), dense or sparse.
        read_by: A phrase for what read them.
    """

    matrix: Any
    read_by: str


def vectors_of(corpus: Corpus, place: Place, classes: int) -> Vectors:
    """Read texts.

    Args:
        corpus: The rows.
        place: Names the base; where the user did not name it and it is not at hand, words are counted instead.
        classes: How many classes a classifier tells apart, which bounds the number of words.

    Raises:
        BaseModelError: If the base that the user named cannot be opened.
        DataError: If words are to be counted and no text holds one.
    """
    if place.base != WORDS:
        try:
            return _by_base(corpus, place.base)
        except (BaseModelError, MissingExtra):
            if place.named:
                raise
    found = tf_idf(corpus, MOST_WEIGHTS // max(classes, 1))
    if found is None:
        raise DataError(
            Remark(f"No text of {shown(place.source)} holds a word.", f"{shown(place.source)} 的文本里一个词也没有。"),
            Remark("Name the column of texts with --text.", "请用 --text 指明文本列。"),
        )
    return Vectors(found[1], Remark("words, weighed by TF-IDF", "按 TF-IDF 加权的词"))


def _by_base(corpus: Corpus, name: str) -> Vectors:
    import torch

    from feilun.models.base_embedder import BaseEmbedder
    from feilun.models.bases.catalogue import open_base
    from feilun.models.build import matrix_type

    embedder = BaseEmbedder(open_base(name), dtype=matrix_type("auto", torch.device("cpu")))
    return Vectors(centred(embedder.embed(corpus)), Remark(f"the frozen base {name}", f"冻结的基座 {name} "))


def centred(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Move vectors to a mean of zero and scale them to a mean length of one.

    Those of one base share a large part (Mu, Viswanath 2018, "All-but-the-top"), which would only cost the classifier
    iterations.

    Args:
        vectors: Shape (rows, width).
    """
    moved = vectors - vectors.mean(axis=0)
    length = float(np.linalg.norm(moved, axis=1).mean())
    return np.asarray(moved / (length or 1.0), np.float32)
