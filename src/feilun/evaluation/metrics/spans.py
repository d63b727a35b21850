"""Figures of a predictor of spans, from counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.core.spans import Span
from feilun.evaluation.metrics.arithmetic import Floats, divide
from feilun.evaluation.metrics.label_sets import from_counts, per_label


@dataclass(frozen=True)
class SpanJudgement:
    """Predicted spans beside the true ones.

    Args:
        labels: Labels of the spans in class order.
        targets: True spans of each row.
        predicted: Predicted spans of each row.
    """

    labels: tuple[str, ...]
    targets: Sequence[Sequence[Span]]
    predicted: Sequence[Sequence[Span]]

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each row has exactly its true spans, shape (rows,)."""
        pairs = zip(self.targets, self.predicted, strict=True)
        return np.array([set(true) == set(found) for true, found in pairs], dtype=np.bool_)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Of each row and label: hits, true spans, predicted ones, and hits by overlap; shape (rows, 4, labels)."""
        columns = {name: i for i, name in enumerate(self.labels)}
        counts = np.zeros((len(self), 4, len(columns)), dtype=np.int64)
        for row, (true, found) in enumerate(zip(self.targets, self.predicted, strict=True)):
            hits = set(true) & set(found)
            for kind, spans in enumerate((hits, true, found, overlapping(true, found))):
                for label, count in Counter(span.label for span in spans).items():
                    counts[row, kind, columns[label]] = count
        return counts


def overlapping(true: Sequence[Span], found: Sequence[Span]) -> list[Span]:
    """Return the true spans that share characters with a predicted one of their label, each with one of its own."""
    free = sorted(found)
    matched = []
    for span in sorted(true):
        partner = next((o for o in free if o.label == span.label and o.start < span.end and span.start < o.end), None)
        if partner is not None:
            free.remove(partner)
            matched.append(span)
    return matched


def figures(counts: NDArray[np.int64] | Floats) -> dict[str, Floats]:
    """Compute every figure.

    Args:
        counts: Sums over rows, shape (…, 4, labels).

    Returns:
        entity_f1, entity_precision and entity_recall (a span counts where both ends and the label are right, as in
        CoNLL 2003), partial_f1 (where it overlaps a true one of its label), macro_f1 (of the labels), each of shape
        (…).
    """
    strict = from_counts(counts[..., :3, :])
    actual, chosen, partial = (counts[..., i, :].sum(-1) for i in (1, 2, 3))
    return {
        "entity_f1": strict["micro_f1"],
        "entity_precision": strict["micro_precision"],
        "entity_recall": strict["micro_recall"],
        "partial_f1": divide(2 * partial, actual + chosen),
        "macro_f1": strict["macro_f1"],
    }


def by_label(names: tuple[str, ...], counts: NDArray[np.int64]) -> dict[str, dict[str, float]]:
    """Compute precision, recall, f1, partial_f1 and support of every label from `counts` of shape (4, labels)."""
    rows = per_label(names, counts[:3])
    partial = divide(2 * counts[3], counts[1] + counts[2])
    return {name: {**row, "partial_f1": float(partial[i])} for i, (name, row) in enumerate(rows.items())}
