"""One label of many: temperature, figures, baselines and report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.labels import LabelSet
from feilun.core.ports import Predictor
from feilun.core.prediction import Decision
from feilun.core.report import Report
from feilun.evaluation import out_of_scope
from feilun.evaluation.baselines.single_label import fit_baselines
from feilun.evaluation.calibration import Abstention, fit_temperature, label_thresholds
from feilun.evaluation.intervals import Intervals, bootstrap
from feilun.evaluation.judgement import from_probabilities, judge
from feilun.evaluation.judges.decisions import decisions
from feilun.evaluation.judges.request import ReportRequest, check_known, checked
from feilun.evaluation.metrics.confidence import coverage_curve, reliability
from feilun.evaluation.metrics.single_label import compare, figures, per_label
from feilun.evaluation.slices import slice_figures


class ClassifyJudge:
    """Judges models that give each text one label."""

    metrics = (
        "macro_f1",
        "accuracy",
        "micro_f1",
        "weighted_f1",
        "roc_auc",
        "log_loss",
        "brier",
        "expected_calibration_error",
        *out_of_scope.METRICS,
    )

    def figures(
        self, logits: NDArray[np.float32], corpus: Corpus, labels: LabelSet, decision: Decision
    ) -> dict[str, float]:
        """Compute the figures while training.

        Args:
            logits: Shape (rows, labels).
            corpus: The rows, with targets.
            labels: The classes.
            decision: Turns logits into probabilities.

        Returns:
            Those of `metrics` that are defined on the rows.
        """
        targets = labels.encode(corpus.target or ())
        judged = from_probabilities(decision.probabilities(logits), targets, labels)
        return {**figures(judged), **out_of_scope.figures(judged, decision.out_of_scope)}

    def calibrate(
        self,
        logits: NDArray[np.float32],
        corpus: Corpus,
        labels: LabelSet,
        decision: Decision,
        abstention: Abstention | None,
    ) -> Decision:
        """Fit the temperature, the end of the scope and, where `abstention` is given, from where a person decides."""
        targets = labels.encode(corpus.target or ())
        decision = out_of_scope.fit(
            replace(decision, temperature=fit_temperature(logits, targets)), logits, targets, labels
        )
        if abstention is None:
            return decision
        judged = judge(decision.decide(logits, labels.names), targets, labels)
        common, own = abstention.choose(judged.confidence, judged.correct), decision.label_thresholds
        if abstention.by_label:
            own = label_thresholds(judged.confidence, judged.correct, judged.predicted, labels.names, abstention.choose)
        return replace(decision, abstain_below=common, label_thresholds=own)

    def baselines(self, train: Corpus, validation: Corpus, labels: LabelSet) -> dict[str, Predictor]:
        """Fit the majority class, and logistic regression on weighted words."""
        return fit_baselines(train, labels)

    def report(self, predictor: Predictor, corpus: Corpus, asked: ReportRequest) -> Report:
        """Judge a predictor on rows with targets.

        Raises:
            DataError: If a target is not among the predictor's labels.
        """
        labels, targets = _labels(asked.example.ranked.names, corpus)
        judgement = judge(checked(predictor, corpus), targets, labels)
        others = {name: judge(checked(other, corpus), targets, labels) for name, other in asked.baselines.items()}
        intervals = bootstrap(judgement, asked.resamples, asked.seed)
        outside = out_of_scope.label_of(predictor)
        return Report(
            n=len(corpus),
            metrics={
                **{name: intervals.figure(name, value) for name, value in figures(judgement).items()},
                **out_of_scope.with_intervals(judgement, outside),
            },
            per_label=_with_intervals(per_label(judgement), intervals),
            labels=labels.names,
            confusion=judgement.confusion.tolist(),
            calibration=reliability(judgement.confidence, judgement.correct),
            coverage=coverage_curve(judgement.confidence, judgement.correct),
            slices=slice_figures(judgement, corpus, asked.slices),
            baselines={
                name: {**figures(other), **out_of_scope.figures(other, outside), **compare(judgement, other)}
                for name, other in others.items()
            },
            decisions=decisions(judgement.correct, judgement.abstained, predictor, asked),
        )


def _labels(names: tuple[str, ...], corpus: Corpus) -> tuple[LabelSet, NDArray[np.int64]]:
    """Hold the targets to the predictor's labels, before the long work, and encode them."""
    targets = [str(target) for target in corpus.target or ()]
    check_known([(target,) for target in targets], corpus, names)
    labels = LabelSet(names)
    return labels, labels.encode(targets)


def _with_intervals(rows: Mapping[str, Mapping[str, float]], intervals: Intervals) -> dict[str, Mapping[str, float]]:
    """Add each label's interval of f1, where there is one, as `f1_low` and `f1_high`."""
    if intervals.f1 is None:
        return dict(rows)
    return {
        name: {**row, "f1_low": min(float(low), row["f1"]), "f1_high": max(float(high), row["f1"])}
        for (name, row), (low, high) in zip(rows.items(), intervals.f1, strict=True)
    }
