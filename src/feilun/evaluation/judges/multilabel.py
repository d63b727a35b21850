"""Several labels of many, or none: thresholds, figures, baselines and report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.decisions.multilabel import MultilabelDecision, set_scores
from feilun.core.errors import DataError
from feilun.core.labels import LabelSet
from feilun.core.ports import Predictor
from feilun.core.prediction import Prediction
from feilun.core.remark import Remark
from feilun.core.report import Report
from feilun.evaluation.baselines.label_sets import fit_set_baselines
from feilun.evaluation.calibration import Abstention
from feilun.evaluation.intervals import wilson
from feilun.evaluation.judgement import scores
from feilun.evaluation.judges.decisions import decisions
from feilun.evaluation.judges.request import ReportRequest, check_known, checked
from feilun.evaluation.label_thresholds import fit_sigmoid_temperature, fit_thresholds
from feilun.evaluation.metrics import label_sets
from feilun.evaluation.metrics.arithmetic import Floats
from feilun.evaluation.metrics.confidence import coverage_curve, reliability
from feilun.evaluation.metrics.label_sets import SetJudgement, from_counts, per_label
from feilun.evaluation.metrics.single_label import compare
from feilun.evaluation.resampling import figure_of, intervals_of
from feilun.evaluation.slices import figures_by


class MultilabelJudge:
    """Judges models that give each text a set of labels."""

    metrics = (
        "macro_f1",
        "micro_f1",
        "subset_accuracy",
        "micro_precision",
        "micro_recall",
        "hamming_loss",
        "ndcg",
        "roc_auc",
        "log_loss",
    )

    def figures(
        self, logits: NDArray[np.float32], corpus: Corpus, labels: LabelSet, decision: MultilabelDecision
    ) -> dict[str, float]:
        """Compute the figures while training.

        Args:
            logits: Shape (rows, labels).
            corpus: The rows, with targets.
            labels: The classes.
            decision: Turns logits into probabilities and sets.

        Returns:
            Those of `metrics` that are defined on the rows.
        """
        return label_sets.figures(judgement_of(logits, corpus, labels, decision))

    def calibrate(
        self,
        logits: NDArray[np.float32],
        corpus: Corpus,
        labels: LabelSet,
        decision: MultilabelDecision,
        abstention: Abstention | None,
    ) -> MultilabelDecision:
        """Fit temperature and thresholds and, where `abstention` is given, the score below which a person decides."""
        targets = multi_hot(corpus, labels)
        plain = replace(decision, temperature=fit_sigmoid_temperature(logits, targets))
        threshold, own = fit_thresholds(plain.probabilities(logits), targets, labels.names)
        decision = replace(plain, threshold=threshold, label_thresholds=own)
        if abstention is None:
            return decision
        judged = judgement_of(logits, corpus, labels, decision)
        return replace(decision, abstain_below=abstention.choose(judged.confidence, judged.correct))

    def baselines(self, train: Corpus, validation: Corpus, labels: LabelSet) -> dict[str, Predictor]:
        """Fit the commonest set, and logistic regression on weighted words, its thresholds chosen as the model's."""
        return fit_set_baselines(train, multi_hot(train, labels), validation, multi_hot(validation, labels), labels)

    def report(self, predictor: Predictor, corpus: Corpus, asked: ReportRequest) -> Report:
        """Judge a predictor on rows with targets.

        Raises:
            DataError: If a target is no list of labels, or holds one that the predictor does not know.
        """
        names = asked.example.ranked.names
        check_known(_lists(corpus), corpus, names)
        labels = LabelSet(names)
        targets = multi_hot(corpus, labels)
        judgement = _judge(checked(predictor, corpus), targets, labels)
        others = {name: _judge(checked(other, corpus), targets, labels) for name, other in asked.baselines.items()}
        ends = _intervals(judgement, asked.resamples, asked.seed)
        figures = label_sets.figures(judgement)
        f1 = ends.get("f1")
        rows: dict[str, dict[str, float]] = per_label(names, judgement.counts.sum(0))
        if f1 is not None:
            for row, low, high in zip(rows.values(), *f1, strict=True):
                row |= {"f1_low": min(float(low), row["f1"]), "f1_high": max(float(high), row["f1"])}
        return Report(
            n=len(corpus),
            metrics={name: figure_of(value, ends.get(name)) for name, value in figures.items()},
            per_label=rows,
            labels=names,
            calibration=reliability(judgement.confidence, judgement.correct),
            coverage=coverage_curve(judgement.confidence, judgement.correct),
            slices=figures_by(corpus, asked.slices, lambda own: _slice(judgement, own)),
            baselines={
                name: {**label_sets.figures(other), **compare(judgement, other)} for name, other in others.items()
            },
            decisions=decisions(judgement.correct, judgement.abstained, predictor, asked),
        )


def multi_hot(corpus: Corpus, labels: LabelSet) -> NDArray[np.bool_]:
    """Return which labels each row has, shape (rows, labels).

    Raises:
        DataError: If a label is not in the set.
    """
    lists = _lists(corpus)
    indices = labels.encode([name for own in lists for name in own])
    rows = np.repeat(np.arange(len(lists)), [len(own) for own in lists])
    result = np.zeros((len(lists), len(labels)), dtype=np.bool_)
    result[rows, indices] = True
    return result


def _lists(corpus: Corpus) -> list[Sequence[str]]:
    targets: list[Any] = list(corpus.target or ())
    wrong = [i for i, target in enumerate(targets) if isinstance(target, str)]
    if wrong:
        raise DataError(
            Remark(
                f"The target of row {corpus.id[wrong[0]]!r} is {targets[wrong[0]]!r}, not a list of labels.",
                f"第 {corpus.id[wrong[0]]!r} 行的目标是 {targets[wrong[0]]!r}，不是标签列表。",
            ),
            Remark(
                "Give a list or tuple of label names for each row, an empty one where none applies.",
                "请为每行给出标签名的列表，没有标签时给空列表。",
            ),
        )
    return targets


def judgement_of(
    logits: NDArray[np.float32], corpus: Corpus, labels: LabelSet, decision: MultilabelDecision
) -> SetJudgement:
    """Set a model's logits beside the truth; no row abstains."""
    targets = multi_hot(corpus, labels)
    probabilities = decision.probabilities(logits)
    chosen = decision.choices(logits, labels.names)
    nothing = np.zeros(len(targets), dtype=np.bool_)
    confidence = set_scores(probabilities, chosen)
    return SetJudgement(labels.names, targets, chosen, probabilities.astype(np.float64), confidence, nothing)


def _judge(predictions: Sequence[Prediction], targets: NDArray[np.bool_], labels: LabelSet) -> SetJudgement:
    chosen = Corpus([""] * len(predictions), [""] * len(predictions), target=[p.labels or () for p in predictions])
    return SetJudgement(
        labels=labels.names,
        targets=targets,
        predicted=multi_hot(chosen, labels),
        probabilities=scores(predictions, labels.names),
        confidence=np.array([prediction.score for prediction in predictions], dtype=np.float64),
        abstained=np.array([prediction.abstained for prediction in predictions], dtype=np.bool_),
    )


def _intervals(judgement: SetJudgement, resamples: int, seed: int) -> dict[str, tuple[Any, Any]]:
    """Bootstrap the figures that are functions of sums; those of ranking and loss have no interval."""
    size = len(judgement.labels)
    statistics = np.zeros((len(judgement), 4, size), dtype=np.int64)
    statistics[:, :3] = judgement.counts
    statistics[:, 3, 0] = judgement.correct

    def figures(sums: Floats) -> dict[str, Floats]:
        hits, totals = sums[:, 0], sums[:, 1] + sums[:, 2]  # (resamples, labels)
        return {
            **from_counts(sums[:, :3]),
            "subset_accuracy": sums[:, 3, 0] / len(judgement),
            "hamming_loss": (totals - 2 * hits).sum(1) / (len(judgement) * size),
            "f1": np.divide(2 * hits, totals, out=np.zeros(hits.shape), where=totals > 0),
        }

    return intervals_of(statistics, figures, resamples, seed)


def _slice(judgement: SetJudgement, own: NDArray[np.bool_]) -> dict[str, float]:
    figures = from_counts(judgement.counts[own].sum(0))
    hits, rows = int(judgement.correct[own].sum()), int(own.sum())
    low, high = wilson(hits, rows)
    return {
        "n": rows,
        "subset_accuracy": hits / rows if rows else 0.0,
        "subset_accuracy_low": low,
        "subset_accuracy_high": high,
        "macro_f1": float(figures["macro_f1"]),
        "micro_f1": float(figures["micro_f1"]),
    }
