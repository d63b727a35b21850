"""Rows that say the same: copies, near copies, the same text with another label, and training rows that leak."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.text.near_duplicates import near_duplicate_groups, near_duplicates

if TYPE_CHECKING:
    from feilun.data.settings import DataSettings

LISTED_CONFLICTS = 200
COMPARED = 64
"""Rows of a group that a row is compared with, so that a text repeated thousands of times costs no square."""


def compared_texts(corpus: Corpus, features: Sequence[str] = ()) -> Sequence[str]:
    """Return what of each row is compared: the text, the second text behind it, and features where they are read."""
    columns = [corpus.text, *([] if corpus.pair is None else [corpus.pair]), *(corpus.features[n] for n in features)]
    return corpus.text if len(columns) == 1 else ["\n".join(map(str, cells)) for cells in zip(*columns, strict=True)]


def same_text(texts: Sequence[str]) -> NDArray[np.int64]:
    """Number the distinct texts.

    Returns:
        The number of each row's text, shape (rows,); equal texts have equal numbers, others in each process.
    """
    hashes = np.fromiter(map(hash, texts), dtype=np.int64, count=len(texts))
    return np.unique(hashes, return_inverse=True)[1]


def label_numbers(targets: Sequence[Any] | None, rows: int) -> NDArray[np.int64]:
    """Number the distinct labels; rows without labels share one number. Shape (rows,)."""
    if targets is None:
        return np.zeros(rows, dtype=np.int64)
    numbers: dict[Any, int] = {}
    return np.fromiter((numbers.setdefault(t, len(numbers)) for t in targets), dtype=np.int64, count=rows)


def first_of_each(texts: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the first row of each text and label, shape (rows,)."""
    keys = texts * (int(labels.max(initial=0)) + 1) + labels
    kept = np.zeros(len(keys), dtype=bool)
    kept[np.unique(keys, return_index=True)[1]] = True
    return kept


def first_of_near(
    texts: Sequence[str], groups: NDArray[np.int64], labels: NDArray[np.int64], threshold: float
) -> NDArray[np.bool_]:
    """Mark the rows that are no near duplicate of an earlier marked row of the same label, shape (rows,)."""
    kept = np.ones(len(groups), dtype=bool)
    leaders: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row in _grouped_rows(groups):
        own = leaders[int(groups[row]), int(labels[row])]
        if any(near_duplicates(texts[row], texts[other], threshold) for other in own[-COMPARED:]):
            kept[row] = False
        else:
            own.append(row)
    return kept


def leaking(
    texts: Sequence[str], groups: NDArray[np.int64], sets: NDArray[np.int64], threshold: float
) -> NDArray[np.int64]:
    """Find rows whose text stands, or nearly stands, in a later set (train before validation before test).

    Args:
        texts: The texts of all sets.
        groups: Their near-duplicate groups, shape (rows,).
        sets: The set of each row, shape (rows,).
        threshold: Similarity from which on texts are near duplicates.

    Returns:
        For each row the set that it leaks into, or -1; shape (rows,).
    """
    result = np.full(len(groups), -1)
    members: dict[int, list[int]] = defaultdict(list)
    for row in _grouped_rows(groups):
        members[int(groups[row])].append(row)
    for rows in members.values():
        for earlier, later in ((0, 1), (0, 2), (1, 2)):  # the last set that holds a near duplicate is named
            others = [row for row in rows if sets[row] == later]
            for row in (row for row in rows if others and sets[row] == earlier):
                # beyond the bound a row counts as leaking unseen: better one row fewer than a figure too good
                if len(others) > COMPARED or any(near_duplicates(texts[row], texts[o], threshold) for o in others):
                    result[row] = later
    return result


def conflicts(corpus: Corpus, texts: NDArray[np.int64]) -> dict[str, Any]:
    """List texts that stand in the data with several labels.

    Args:
        corpus: The rows of all sets, before duplicates are dropped.
        texts: The number of each row's text, shape (rows,).

    Returns:
        `texts` and `rows`: how many; `listed`: text and rows by label of the first of them.
    """
    if corpus.target is None:
        return {"texts": 0, "rows": 0, "listed": []}
    labels = label_numbers(corpus.target, len(corpus))
    pairs = np.unique(np.stack([texts, labels]), axis=1)
    contested = np.flatnonzero(np.bincount(pairs[0]) > 1)
    rows = np.flatnonzero(np.isin(texts, contested))
    found: dict[int, Counter[str]] = defaultdict(Counter)
    first: dict[int, int] = {}
    for row in rows.tolist():
        found[int(texts[row])][shown_target(corpus.target[row])] += 1
        first.setdefault(int(texts[row]), row)
    listed = [
        {"text": corpus.text[row][:200], "row": corpus.id[row], "labels": dict(found[number])}
        for number, row in list(first.items())[:LISTED_CONFLICTS]
    ]
    return {"texts": len(contested), "rows": len(rows), "listed": listed}


def shown_target(target: Any) -> str:
    """Return a target as a text to show: a label or a number as it is, several of them joined."""
    parts = [target] if isinstance(target, (str, float)) else target
    return " | ".join(f"{part:g}" if isinstance(part, float) else str(part) for part in parts)


def leaking_groups(values: Sequence[str], sets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find rows whose group stands in a later set too.

    Returns:
        For each row the set that its group leaks into, or -1; shape (rows,).
    """
    last: dict[str, int] = {}
    for value, number in zip(values, sets.tolist(), strict=True):
        last[value] = max(number, last.get(value, -1))
    ends = np.fromiter((last[value] if value else -1 for value in values), dtype=np.int64, count=len(values))
    return np.where(ends > sets, ends, -1)


def near_groups(corpora: Sequence[Corpus], settings: DataSettings) -> NDArray[np.int64]:
    """Group rows that are nearly the same, shape (rows of all corpora,).

    Texts may differ a little, features may not; where these are all there is, or are written into the text, rows of one
    form would all be near duplicates, so only equal ones count.
    """
    whole = [text for corpus in corpora for text in compared_texts(corpus, settings.read_features)]
    if settings.verbalise or not settings.text:
        return label_numbers(whole, len(whole))  # by their order: rows are split by these numbers
    texts = [text for corpus in corpora for text in compared_texts(corpus)]
    groups = near_duplicate_groups(texts, settings.clean.near_threshold)
    if not settings.features:
        return groups
    columns = (zip(*(corpus.features[name] for name in settings.features), strict=True) for corpus in corpora)
    features = label_numbers([own for rows in columns for own in rows], len(whole))
    return np.unique(np.stack([groups, features]), axis=1, return_inverse=True)[1].reshape(-1)


def named_groups(values: Sequence[str]) -> NDArray[np.int64]:
    """Number the values of a group column; rows without a value are groups of their own. Shape (rows,)."""
    numbers: dict[str, int] = {}
    return np.fromiter(
        (numbers.setdefault(value or f"\0{row}", len(numbers)) for row, value in enumerate(values)),
        dtype=np.int64, count=len(values),
    )  # fmt: skip


def joined(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join two groupings: rows that stand together in either stand together, shape (rows,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first, second = np.unique(one, return_inverse=True)[1], np.unique(other, return_inverse=True)[1]
    size = int(first.max(initial=-1)) + 1
    ends = (first, second + size)
    total = size + int(second.max(initial=-1)) + 1
    graph = coo_array((np.ones(len(one), dtype=bool), ends), shape=(total, total))
    labels: NDArray[np.int64] = connected_components(graph, directed=False)[1]
    return labels[first].astype(np.int64)


def _grouped_rows(groups: NDArray[np.int64]) -> list[int]:
    """Return the rows whose group has several, in order."""
    sizes = np.bincount(groups, minlength=len(groups))
    rows: list[int] = np.flatnonzero(sizes[groups] > 1).tolist()
    return rows
