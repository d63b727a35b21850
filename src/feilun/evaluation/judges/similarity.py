"""Two texts read apart: judged as pairs, where some are the same and others not, and as a search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.decisions.similarity import SimilarityDecision, cosines, unit
from feilun.core.labels import LabelSet
from feilun.core.ports import Predictor
from feilun.core.report import Figure, Report
from feilun.evaluation.baselines.pairs import WordSimilarity, fit_pair_baselines
from feilun.evaluation.calibration import Abstention
from feilun.evaluation.intervals import bootstrap
from feilun.evaluation.judgement import Judgement, from_probabilities, judge
from feilun.evaluation.judges.decisions import decisions
from feilun.evaluation.judges.request import ReportRequest, check_known, checked
from feilun.evaluation.metrics import retrieval, single_label
from feilun.evaluation.metrics.arithmetic import Floats
from feilun.evaluation.metrics.confidence import coverage_curve, reliability
from feilun.evaluation.metrics.retrieval import Retrieval, found, retrieval_of
from feilun.evaluation.metrics.single_label import compare, per_label
from feilun.evaluation.pair_thresholds import average_precision, fit_similarity
from feilun.evaluation.resampling import figure_of, intervals_of
from feilun.evaluation.slices import slice_figures

PAIR_METRICS = (
    "accuracy",
    "f1",
    "precision",
    "recall",
    "macro_f1",
    "roc_auc",
    "average_precision",
    "log_loss",
    "brier",
    "expected_calibration_error",
)


@runtime_checkable
class GivesVectors(Protocol):
    """A model whose numbers for a pair are the vectors of its texts."""

    def logits(self, corpus: Corpus) -> Any:
        """Return vectors of shape (rows, 2, size)."""
        ...


class SimilarityJudge:
    """Judges models that compare two texts by their vectors."""

    metrics = (*retrieval.METRICS, *PAIR_METRICS)

    def figures(
        self, logits: NDArray[np.float32], corpus: Corpus, labels: LabelSet, decision: SimilarityDecision
    ) -> dict[str, float]:
        """Compute the figures while training, each time with the threshold that is best.

        Args:
            logits: The vectors of both texts, shape (rows, 2, size).
            corpus: The rows, with targets.
            labels: The label of pairs that differ, and that of pairs that say the same.
            decision: Turns cosines into probabilities.

        Returns:
            Those of `metrics` that are defined on the rows.
        """
        same = labels.encode(corpus.target or ()) == 1
        task = retrieval_of(corpus, same)
        searched = retrieval.figures(found(task, by_vectors(task, logits)))
        if same.all() or not same.any():
            return searched
        fitted = fit_similarity(cosines(logits), same, decision)
        judged = from_probabilities(fitted.probabilities(cosines(logits)), same.astype(np.int64), labels)
        return {**searched, **pair_figures(judged)}

    def calibrate(
        self,
        logits: NDArray[np.float32],
        corpus: Corpus,
        labels: LabelSet,
        decision: SimilarityDecision,
        abstention: Abstention | None,
    ) -> SimilarityDecision:
        """Choose the threshold of the cosine, and the score below which a person decides where `abstention` is given.

        Where all rows say the same, pairs that differ are made: each first text with the next row's second one.
        """
        same = labels.encode(corpus.target or ()) == 1
        if same.all() and len(same) > 1:
            strangers = np.stack([logits[:, 0], np.roll(logits[:, 1], 1, axis=0)], axis=1)
            logits = np.concatenate([logits, strangers])
            same = np.concatenate([same, np.zeros(len(same), dtype=np.bool_)])
        decision = fit_similarity(cosines(logits), same, decision)
        if abstention is None:
            return decision
        judged = from_probabilities(decision.probabilities(cosines(logits)), same.astype(np.int64), labels)
        return replace(decision, abstain_below=abstention.choose(judged.confidence, judged.correct))

    def baselines(self, train: Corpus, validation: Corpus, labels: LabelSet) -> dict[str, Predictor]:
        """Fit the comparison, and the search, by the words that texts share."""
        return fit_pair_baselines(train, validation, labels)

    def report(self, predictor: Predictor, corpus: Corpus, asked: ReportRequest) -> Report:
        """Judge a predictor on rows with targets.

        Raises:
            DataError: If a target is not among the predictor's labels.
        """
        labels = LabelSet(asked.example.ranked.names)
        targets = [str(target) for target in corpus.target or ()]
        check_known([(target,) for target in targets], corpus, labels.names)
        same = labels.encode(targets) == 1
        task = retrieval_of(corpus, same)
        searched = _searched(predictor, corpus, task)
        others = {name: _searched(other, corpus, task) for name, other in asked.baselines.items()}
        report = Report(
            n=len(corpus),
            metrics=_with_intervals(searched, asked),
            labels=labels.names,
            baselines={name: {**retrieval.figures(other), **_first(searched, other)} for name, other in others.items()},
        )
        return report if same.all() or not same.any() else _with_pairs(report, predictor, corpus, asked, same)


def by_vectors(task: Retrieval, vectors: NDArray[np.floating]) -> retrieval.Scores:
    """Search by the cosine of vectors of shape (rows, 2, size)."""
    scaled = unit(vectors)
    candidates = scaled[task.candidates, 1]
    return lambda rows: scaled[rows, 0] @ candidates.T


def pair_figures(judged: Judgement) -> dict[str, float]:
    """Compute the figures of pairs of which some are the same and others not."""
    figures = single_label.figures(judged)
    same = per_label(judged)[judged.labels[1]]
    precise = average_precision(judged.probabilities[:, 1], judged.targets == 1)
    own = {"f1": same["f1"], "precision": same["precision"], "recall": same["recall"], "average_precision": precise}
    return {name: value for name, value in {**figures, **own}.items() if name in PAIR_METRICS}


def _searched(predictor: Predictor, corpus: Corpus, task: Retrieval) -> Floats:
    """Return the figures of each query, shape (queries, figures); none where the predictor cannot search."""
    if isinstance(predictor, WordSimilarity):
        search = predictor.index([(corpus.pair or ())[row] for row in task.candidates.tolist()])
        return found(task, lambda rows: search([corpus.text[row] for row in rows.tolist()]))
    if isinstance(predictor, GivesVectors):
        return found(task, by_vectors(task, predictor.logits(corpus)))
    return np.empty((0, len(retrieval.METRICS)))


def _with_intervals(searched: Floats, asked: ReportRequest) -> dict[str, Figure]:
    queries = max(1, len(searched))
    ends = intervals_of(
        searched,
        lambda sums: {name: sums[..., i] / queries for i, name in enumerate(retrieval.METRICS)},
        asked.resamples,
        asked.seed,
    )
    return {name: figure_of(value, ends.get(name)) for name, value in retrieval.figures(searched).items()}


def _first(ours: Floats, other: Floats) -> Mapping[str, float]:
    """Count the queries of which just one of two searches puts a right text first."""
    if len(ours) != len(other):
        return {}
    mine, theirs = ours[:, 0] == 1, other[:, 0] == 1
    return {
        "only_model_right": int((mine & ~theirs).sum()),
        "only_baseline_right": int((~mine & theirs).sum()),
    }


def _with_pairs(
    report: Report, predictor: Predictor, corpus: Corpus, asked: ReportRequest, same: NDArray[np.bool_]
) -> Report:
    """Add what is known of pairs that are the same or not."""
    labels, targets = LabelSet(tuple(report.labels)), same.astype(np.int64)
    judgement = judge(checked(predictor, corpus), targets, labels)
    others = {name: judge(checked(other, corpus), targets, labels) for name, other in asked.baselines.items()}
    intervals = bootstrap(judgement, asked.resamples, asked.seed)
    pairs = {name: intervals.figure(name, value) for name, value in pair_figures(judgement).items()}
    return replace(
        report,
        metrics={**report.metrics, **pairs},
        per_label=per_label(judgement),
        confusion=judgement.confusion.tolist(),
        calibration=reliability(judgement.confidence, judgement.correct),
        coverage=coverage_curve(judgement.confidence, judgement.correct),
        slices=slice_figures(judgement, corpus, asked.slices),
        baselines={
            name: {**report.baselines[name], **pair_figures(other), **compare(judgement, other)}
            for name, other in others.items()
        },
        decisions=decisions(judgement.correct, judgement.abstained, predictor, asked),
    )
