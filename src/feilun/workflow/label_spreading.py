"""Unlabelled texts of a recipe that join its training rows with the label spread from the labelled ones."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from feilun.core.corpus import Corpus, corpus_of
from feilun.core.errors import DataError
from feilun.core.labels import LabelSet
from feilun.core.remark import Remark
from feilun.core.splits import Splits
from feilun.labelling.propagation import spread_labels, surest
from feilun.models.base_embedder import BaseEmbedder
from feilun.models.bases.base import Base
from feilun.models.build import matrix_type
from feilun.training.distil import Lessons
from feilun.workflow.labelling.vectors import centred

SOFT = 0.5
"""Share in the loss of how sure each spread label is; the label itself has the rest."""

log = logging.getLogger(__name__)


def spread(base: Base, splits: Splits, unlabelled: list[str]) -> tuple[Splits, Lessons]:
    """Give unlabelled texts the labels of the labelled ones that are alike, and let the surest join these.

    Args:
        base: Reads the texts, as it came.
        splits: The rows of the recipe.
        unlabelled: The texts.

    Returns:
        The splits, their training rows lengthened, and how sure each label is.

    Raises:
        DataError: If no text is left to spread to.
    """
    if not unlabelled:
        raise DataError(
            Remark(
                "No text of data.unlabelled is new: each stands among the rows of the recipe.",
                "data.unlabelled 里没有新的文本：每一条都已在配方的行里。",
            ),
            Remark(
                "Give further texts, or leave out training.semi_supervised.",
                "请给出更多文本，或者去掉 training.semi_supervised。",
            ),
        )
    train, labels = splits.train, splits.labels
    targets = labels.encode([str(target) for target in train.target or ()])
    names = named_examples(labels)
    vectors = embedded(base, corpus_of([*train.text, *names, *unlabelled]))
    own, examples, others = np.split(vectors, [len(train), len(train) + len(names)])
    said, kept = spread_over(own, targets, examples, others, len(labels))
    rows = np.flatnonzero(kept)
    log.warning("%d of %d unlabelled texts join the %d training rows.", len(rows), len(unlabelled), len(train))
    sure = np.concatenate([np.eye(len(labels))[targets], said[rows]])
    told = labels.decode(said[rows].argmax(axis=1).tolist())
    corpus = Corpus(
        id=[*train.id, *(f"unlabelled {row + 1}" for row in rows.tolist())],
        text=[*train.text, *(unlabelled[row] for row in rows.tolist())],
        target=[*(train.target or ()), *told],
    )
    lessons = Lessons(np.log(np.maximum(sure, 1e-7)).astype(np.float32), temperature=1.0, weight=SOFT)
    return replace(splits, train=corpus), lessons


def named_examples(labels: LabelSet) -> list[str]:
    """Return the names of the labels as texts, where all are words; else none."""
    names = [name.replace("_", " ").strip() for name in labels.names]
    return names if all(sum(map(str.isalpha, name)) > 1 for name in names) else []


def embedded(base: Base, corpus: Corpus) -> NDArray[np.float32]:
    """Return vectors of unit length, their mean taken off, shape (rows, width)."""
    found = centred(BaseEmbedder(base, dtype=matrix_type("auto", torch.device("cpu"))).embed(corpus))
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9), np.float32)


def spread_over(
    own: NDArray[np.float32],
    targets: NDArray[np.int64],
    examples: NDArray[np.float32],
    others: NDArray[np.float32],
    classes: int,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Spread labels from texts, and from the names of the labels.

    Args:
        own: Vectors of the labelled texts, shape (rows, width).
        targets: Their classes, shape (rows,).
        examples: Vectors of the names, in class order, shape (classes, width), or of none.
        others: Vectors of the unlabelled texts, shape (texts, width).
        classes: How many classes there are.

    Returns:
        Probabilities of shape (texts, classes), and which texts are sure enough, shape (texts,).
    """
    numbers = np.arange(len(examples))
    said = spread_labels(np.vstack([own, examples]), np.concatenate([targets, numbers]), others, classes)
    return said, surest(said)
