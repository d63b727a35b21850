"""What two versions of a model are compared by, row by row, by task; a new task is a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.decisions.similarity import cosines
from feilun.core.labels import LabelSet
from feilun.core.prediction import Decision
from feilun.evaluation.judges import multilabel, multitask, rank, regress, tag
from feilun.evaluation.metrics import spans
from feilun.evaluation.metrics.arithmetic import Floats, divide
from feilun.evaluation.metrics.label_sets import from_counts
from feilun.evaluation.metrics.numbers import from_sums


@dataclass(frozen=True)
class Quality:
    """What two versions of a model are compared by.

    Args:
        metric: Name of the figure, as people read it; higher is better.
        rows: From a model's numbers, the rows with targets, the labels and a decision: whether each row is right,
            shape (rows,), and what the figure needs of each row, shape (rows, …).
        figure: The figure from sums over rows of shape (…, as each row); shape (…).
    """

    metric: str
    rows: Callable[[Any, Corpus, LabelSet, Any], tuple[NDArray[np.bool_], NDArray[Any]]]
    figure: Callable[[Floats], Floats]


def _one_label(
    logits: NDArray[np.float32], corpus: Corpus, labels: LabelSet, _: Decision
) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    targets, chosen = labels.encode(corpus.target or ()), logits.argmax(1)
    return targets == chosen, label_counts(targets, chosen, len(labels))


def label_counts(targets: NDArray[np.integer], chosen: NDArray[np.integer], labels: int) -> NDArray[np.int64]:
    """Return hit, true and chosen (0 or 1) of each row and label, shape (rows, 3, labels)."""
    truth, answer = (np.eye(labels, dtype=np.bool_)[classes] for classes in (targets, chosen))
    return np.stack([truth & answer, truth, answer], axis=1).astype(np.int64)


def _same_or_not(
    logits: NDArray[np.float32], corpus: Corpus, labels: LabelSet, decision: Any
) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    targets, chosen = labels.encode(corpus.target or ()), (cosines(logits) >= decision.threshold).astype(np.int64)
    return targets == chosen, label_counts(targets, chosen, len(labels))


def _label_sets(
    logits: NDArray[np.float32], corpus: Corpus, labels: LabelSet, decision: Any
) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    judged = multilabel.judgement_of(logits, corpus, labels, decision)
    return judged.correct, judged.counts


def _numbers(
    logits: NDArray[np.float32], corpus: Corpus, labels: LabelSet, decision: Any
) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    judged = regress.judgement_of(logits, corpus, labels, decision)
    return judged.correct, judged.sums


def _spans(logits: Any, corpus: Corpus, labels: LabelSet, decision: Any) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    judged = tag.judgement_of(logits, corpus, labels, decision)
    return judged.correct, judged.counts


def _lists(logits: NDArray[np.float32], corpus: Corpus, _: LabelSet, __: Any) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    """Write what is known of a query into its first row: its NDCG, and that it has one; other rows hold zeros."""
    judged = rank.judgement_of(logits[:, 0], corpus)
    first = np.unique(judged.groups, return_index=True)[1]
    gains = judged.figures[rank.METRICS[0]]
    right, needed = np.zeros(len(corpus), np.bool_), np.zeros((len(corpus), 2))
    right[first] = judged.first
    needed[first] = np.stack([np.nan_to_num(gains), ~np.isnan(gains)], axis=1)
    return right, needed


def _mean_of_lists(sums: Floats) -> Floats:
    mean: Floats = divide(sums[..., 0], sums[..., 1])
    return mean


def _answers(
    logits: NDArray[np.float32], corpus: Corpus, labels: LabelSet, decision: Any
) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    return np.zeros(len(logits), np.bool_), logits


def _likelihood(sums: Floats) -> Floats:
    return -divide(sums[..., 0], sums[..., 1])


def _entity_f1(sums: Floats) -> Floats:
    return spans.figures(sums)["entity_f1"]


def _macro_f1(sums: Floats) -> Floats:
    return from_counts(sums)["macro_f1"]


def _r2(sums: Floats) -> Floats:
    figure: Floats = from_sums(sums)["r2"].mean(-1)
    return figure


SINGLE: Mapping[str, Quality] = {
    "classify": Quality("macro-F1", _one_label, _macro_f1),
    "generate": Quality("mean log likelihood", _answers, _likelihood),
    "match": Quality("macro-F1", _one_label, _macro_f1),
    "multilabel": Quality("macro-F1", _label_sets, _macro_f1),
    "rank": Quality("NDCG@10", _lists, _mean_of_lists),
    "regress": Quality("R²", _numbers, _r2),
    "similarity": Quality("macro-F1", _same_or_not, _macro_f1),
    "tag": Quality("entity F1", _spans, _entity_f1),
}


def _several(
    logits: NDArray[np.float32], corpus: Corpus, _: LabelSet, decision: Any
) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    return multitask.correct_rows(SINGLE, logits, corpus, decision)


def _mean_right(sums: Floats) -> Floats:
    shares: Floats = divide(sums[..., 0, :], sums[..., 1, :]).mean(-1)
    return shares


QUALITIES: Mapping[str, Quality] = {**SINGLE, "multitask": Quality("mean accuracy", _several, _mean_right)}
