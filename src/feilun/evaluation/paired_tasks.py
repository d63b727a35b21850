"""How two models of each task are compared on the same rows; a new task is a line here."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.decisions.rank import queries
from feilun.core.prediction import Prediction
from feilun.core.spans import Span
from feilun.evaluation.metrics.arithmetic import Floats
from feilun.evaluation.metrics.label_sets import from_counts
from feilun.evaluation.metrics.ranking import NDCG, gains_of_groups, per_query
from feilun.evaluation.metrics.texts import rouge_l, units
from feilun.evaluation.paired import Comparison, compare, compare_sums

Answers = Sequence[Prediction]
Sets = Sequence[frozenset[Hashable]]
Compare = Callable[[Answers, Answers, Corpus], Comparison]


def compare_labels(champion: Answers, challenger: Answers, corpus: Corpus) -> Comparison:
    """Compare by accuracy, with McNemar's test; what is left to a person counts by its label.

    Args:
        champion: Its answers.
        challenger: Those of the other.
        corpus: The rows, with targets.
    """
    return compare(_right(champion, corpus), _right(challenger, corpus))


def _right(answers: Answers, corpus: Corpus) -> NDArray[np.bool_]:
    pairs = zip(answers, corpus.target or (), strict=True)
    return np.array([answer.label == target for answer, target in pairs], dtype=np.bool_)


def compare_sets(champion: Answers, challenger: Answers, corpus: Corpus) -> Comparison:
    """Compare by micro-F1: on few rows labels that stand there once or twice would decide on macro-F1.

    Args:
        champion: Its answers.
        challenger: Those of the other.
        corpus: The rows, with sets of labels as targets.
    """
    before, after = ([frozenset(answer.labels or ()) for answer in answers] for answers in (champion, challenger))
    return _compare_sets("micro_f1", before, after, [frozenset(target) for target in corpus.target or ()])


def compare_spans(champion: Answers, challenger: Answers, corpus: Corpus) -> Comparison:
    """Compare by the F1 of spans that are found with both ends and their label.

    Args:
        champion: Its answers.
        challenger: Those of the other.
        corpus: The rows, with tuples of spans as targets.
    """
    before, after = (
        [frozenset(Span(one.start, one.end, one.label) for one in answer.spans or ()) for answer in answers]
        for answers in (champion, challenger)
    )
    return _compare_sets("entity_f1", before, after, [frozenset(map(Span._make, own)) for own in corpus.target or ()])


def _compare_sets(metric: str, before: Sets, after: Sets, truth: Sets) -> Comparison:
    won = np.array([(b == true) - (a == true) for a, b, true in zip(before, after, truth, strict=True)], np.int64)
    return compare_sums(metric, _counts(truth, before), _counts(truth, after), _micro_f1, won)


def compare_numbers(champion: Answers, challenger: Answers, corpus: Corpus) -> Comparison:
    """Compare by the mean absolute error; of several numbers each in standard deviations of the true ones.

    Args:
        champion: Its answers.
        challenger: Those of the other.
        corpus: The rows, with tuples of numbers as targets.
    """
    truth = np.array(corpus.target or (), dtype=np.float64)
    spread = truth.std(0) if truth.ndim == 2 and truth.shape[1] > 1 else np.ones(1)
    before, after = (_errors(answers, truth, np.where(spread > 0, spread, 1.0)) for answers in (champion, challenger))
    won = np.sign(before[:, 0] - after[:, 0]).astype(np.int64)
    return compare_sums("mae", before, after, lambda sums: sums[..., 0] / sums[..., 1], won)


def _errors(answers: Answers, truth: Floats, spread: Floats) -> Floats:
    """Return the absolute error of each row, and one, shape (rows, 2)."""
    if not len(answers):
        return np.empty((0, 2))
    values = np.array([[number.value for number in answer.numbers or ()] for answer in answers])
    errors = (np.abs(values - truth) / spread).mean(1)
    return np.stack([errors, np.ones_like(errors)], axis=1)


def compare_lists(champion: Answers, challenger: Answers, corpus: Corpus) -> Comparison:
    """Compare by NDCG of the candidates of each query: what is swapped and drawn are queries, not rows.

    Args:
        champion: Its answers.
        challenger: Those of the other.
        corpus: The rows, with grades as targets; queries to which no candidate is relevant tell nothing.
    """
    groups, grades = queries(corpus), np.array(corpus.target or (), dtype=np.float64)
    before, after = (_gains(answers, grades, groups) for answers in (champion, challenger))
    telling = ~np.isnan(before)
    first, second = (np.stack([own[telling], np.ones(int(telling.sum()))], axis=1) for own in (before, after))
    won = np.sign(np.round(second[:, 0] - first[:, 0], 9)).astype(np.int64)
    return compare_sums(NDCG, first, second, lambda sums: sums[..., 0] / sums[..., 1], won, unit="queries")


def _gains(answers: Answers, grades: Floats, groups: NDArray[np.int64]) -> Floats:
    """Return NDCG of each query, shape (queries,); NaN where none of its candidates is relevant."""
    scores = np.array([answer.relevance for answer in answers], dtype=np.float64)
    return per_query(*gains_of_groups(scores, grades, groups))[NDCG]


def compare_texts(champion: Answers, challenger: Answers, corpus: Corpus) -> Comparison:
    """Compare by ROUGE-L with the known answers, the mean over rows.

    Args:
        champion: Its answers.
        challenger: Those of the other.
        corpus: The rows, with texts as targets.
    """
    before, after = (_nearness(answers, corpus) for answers in (champion, challenger))
    won = np.sign(np.round(after[:, 0] - before[:, 0], 9)).astype(np.int64)
    return compare_sums("rouge_l", before, after, lambda sums: sums[..., 0] / sums[..., 1], won)


def _nearness(answers: Answers, corpus: Corpus) -> Floats:
    """Return ROUGE-L of each row, and one, shape (rows, 2)."""
    pairs = zip(answers, corpus.target or (), strict=True)
    near = np.array([rouge_l(answer.text or "", str(target), units) for answer, target in pairs])
    return np.stack([near, np.ones_like(near)], axis=1)


def _counts(truth: Sets, chosen: Sets) -> Floats:
    """Return of each row how many members are hit, true and chosen, shape (rows, 3)."""
    rows = [(len(true & own), len(true), len(own)) for true, own in zip(truth, chosen, strict=True)]
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


def _micro_f1(sums: Floats) -> Floats:
    return from_counts(sums[..., None])["micro_f1"]


COMPARISONS: Mapping[str, Compare] = {
    "classify": compare_labels,
    "generate": compare_texts,
    "match": compare_labels,
    "multilabel": compare_sets,
    "rank": compare_lists,
    "regress": compare_numbers,
    "similarity": compare_labels,
    "tag": compare_spans,
}
"""By what two models of a task are compared; of several tasks each by its own."""
