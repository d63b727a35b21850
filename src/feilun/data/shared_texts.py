"""Pairs that share a text: one that was learnt by heart in training says much about its other pairs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.remark import Remark
from feilun.data.split import SET_NAMES_ZH

LARGEST_SHARE = 0.5
"""Share of the rows up to which pairs that hang together by their texts stand in one set; beyond, none are united."""

WORTH_TELLING = 0.2
"""Share of a set's pairs from which on it is told that they hold a text of a training pair."""


def by_shared_texts(corpus: Corpus) -> NDArray[np.int64]:
    """Number the groups of pairs that share a text, directly or by way of others.

    Args:
        corpus: Pairs.

    Returns:
        The group of each row, shape (rows,). Where nearly all rows hang together, as where each text is compared with
        the same few, every row is a group of its own.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows = len(corpus)
    numbers: dict[str, int] = {}
    first, second = (
        np.fromiter((numbers.setdefault(text, len(numbers)) for text in texts), dtype=np.int64, count=rows)
        for texts in (corpus.text, corpus.pair or corpus.text)
    )
    graph = coo_array((np.ones(rows, dtype=bool), (first, second)), shape=(len(numbers), len(numbers)))
    groups: NDArray[np.int64] = connected_components(graph, directed=False)[1][first].astype(np.int64)
    if np.bincount(groups).max(initial=0) > LARGEST_SHARE * rows:
        return np.arange(rows)
    return groups


def notes_on_shared_texts(sets: Mapping[str, Corpus]) -> list[Remark]:
    """Say which held-out sets share many texts with the training pairs: their figures promise too much.

    Args:
        sets: Train, validation and test by name, all of them pairs.
    """
    known = {*sets["train"].text, *(sets["train"].pair or ())}
    shares = {
        name: sum(a in known or b in known for a, b in zip(corpus.text, corpus.pair or (), strict=True)) / len(corpus)
        for name, corpus in sets.items()
        if name != "train" and len(corpus)
    }
    return [
        Remark(
            f"{share:.0%} of the {name} pairs hold a text that stands in a training pair too: figures on them will be "
            "better than on new texts. Divide the rows so that pairs with a text in common stay together, or leave "
            f"data.{name} out, and it is done.",
            f"{share:.0%} 的{SET_NAMES_ZH[name]}文本对里有一条文本也出现在训练文本对中：在它们上面的指标会高于在新文本"
            f"上的。划分时请让有共同文本的对留在同一份里；不写 data.{name}，就会这样划分。",
        )
        for name, share in shares.items()
        if share >= WORTH_TELLING
    ]
