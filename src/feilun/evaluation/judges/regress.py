"""Numbers: intervals, figures, baselines and report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.decisions.regress import RegressDecision
from feilun.core.errors import DataError, counted
from feilun.core.labels import LabelSet
from feilun.core.ports import Predictor
from feilun.core.prediction import Prediction
from feilun.core.remark import Remark
from feilun.core.report import Report
from feilun.evaluation.baselines.numbers import fit_number_baselines
from feilun.evaluation.calibration import Abstention
from feilun.evaluation.conformal import reach_of
from feilun.evaluation.judges.request import ReportRequest, checked
from feilun.evaluation.metrics import numbers
from feilun.evaluation.metrics.arithmetic import Floats
from feilun.evaluation.metrics.numbers import NumberJudgement, from_sums
from feilun.evaluation.resampling import figure_of, intervals_of
from feilun.evaluation.slices import figures_by


class RegressJudge:
    """Judges models that give each text one or several numbers."""

    metrics = ("r2", "mae", "rmse", "coverage", "interval_width")

    def figures(
        self, logits: NDArray[np.float32], corpus: Corpus, labels: LabelSet, decision: RegressDecision
    ) -> dict[str, float]:
        """Compute the figures while training.

        Args:
            logits: Standardised numbers, shape (rows, numbers).
            corpus: The rows, with targets.
            labels: Names of the numbers.
            decision: Has mean and standard deviation of the training rows.

        Returns:
            Those of `metrics` that are defined on the rows.
        """
        return numbers.figures(judgement_of(logits, corpus, labels, decision))

    def calibrate(
        self,
        logits: NDArray[np.float32],
        corpus: Corpus,
        labels: LabelSet,
        decision: RegressDecision,
        abstention: Abstention | None,
    ) -> RegressDecision:
        """Measure how far the intervals have to reach; no number is ever withheld."""
        reach = reach_of(decision.values(logits), _targets(corpus, len(labels)), decision.coverage)
        return replace(decision, reach=reach)

    def baselines(self, train: Corpus, validation: Corpus, labels: LabelSet) -> dict[str, Predictor]:
        """Fit the mean, and ridge regression on weighted words."""
        own, other = (_targets(corpus, len(labels)) for corpus in (train, validation))
        return fit_number_baselines(train, own, validation, other, labels.names)

    def report(self, predictor: Predictor, corpus: Corpus, asked: ReportRequest) -> Report:
        """Judge a predictor on rows with targets.

        Raises:
            DataError: If a target is not as many finite numbers as the predictor gives.
        """
        names = tuple(number.name for number in asked.example.numbers or ())
        targets = _targets(corpus, len(names))
        judgement = _judge(checked(predictor, corpus), targets, names)
        others = {name: _judge(checked(other, corpus), targets, names) for name, other in asked.baselines.items()}
        sums = judgement.sums
        ends = intervals_of(sums, _means, asked.resamples, asked.seed)
        figures = numbers.figures(judgement)
        by_number = from_sums(sums.sum(0))
        return Report(
            n=len(corpus),
            metrics={name: figure_of(value, ends.get(name)) for name, value in figures.items()},
            per_label={
                name: {**{key: float(by_number[key][i]) for key in figures}, "support": len(corpus)}
                for i, name in enumerate(names)
            },
            labels=names,
            slices=figures_by(corpus, asked.slices, lambda own: _slice(judgement, own, figures)),
            baselines={name: {**numbers.figures(other), **_closer(judgement, other)} for name, other in others.items()},
        )


def judgement_of(
    logits: NDArray[np.float32], corpus: Corpus, labels: LabelSet, decision: RegressDecision
) -> NumberJudgement:
    """Set a model's standardised numbers beside the truth."""
    values = decision.values(logits)
    reach = np.array(decision.reach or (np.inf,) * len(labels))
    return NumberJudgement(labels.names, _targets(corpus, len(labels)), values, values - reach, values + reach)


def _targets(corpus: Corpus, count: int) -> Floats:
    """Return the true numbers, shape (rows, count)."""
    rows: list[Any] = [target if isinstance(target, Sequence) else (target,) for target in corpus.target or ()]
    try:
        values = np.array(rows, dtype=np.float64).reshape(len(rows), count)
    except ValueError as error:
        raise DataError(
            Remark(
                f"Each row needs {counted(count, 'number')} as its target; "
                f"those of {corpus.id[0]!r} are {rows[0]!r} ({error}).",
                f"每行的目标应是 {count:,} 个数字；第 {corpus.id[0]!r} 行的是 {rows[0]!r}（{error}）。",
            ),
            Remark(
                "Give a number, or as many as the model predicts, for each row.",
                "请为每行给出一个数字，或与模型预测的个数相同。",
            ),
        ) from error
    if not np.isfinite(values).all():
        row = corpus.id[int(np.flatnonzero(~np.isfinite(values).all(1))[0])]
        raise DataError(
            Remark(f"The target of row {row!r} is not finite.", f"第 {row!r} 行的目标不是有限的数字。"),
            Remark("Correct the row, or leave it out.", "请改正这一行，或去掉它。"),
        )
    return values


def _judge(predictions: Sequence[Prediction], targets: Floats, names: tuple[str, ...]) -> NumberJudgement:
    cells = [[(n.value, n.low, n.high) for n in prediction.numbers or ()] for prediction in predictions]
    values, low, high = np.array(cells, dtype=np.float64).reshape(len(predictions), len(names), 3).transpose(2, 0, 1)
    return NumberJudgement(names, targets, values, low, high)


def _means(sums: Floats) -> Mapping[str, Floats]:
    return {name: values.mean(-1) for name, values in from_sums(sums).items()}


def _slice(judgement: NumberJudgement, own: NDArray[np.bool_], known: Mapping[str, float]) -> dict[str, float]:
    figures = _means(judgement.sums[own].sum(0))
    kept = [name for name in ("mae", "rmse", "coverage") if name in known]
    return {"n": int(own.sum()), **{name: float(figures[name]) for name in kept}}


def _closer(ours: NumberJudgement, other: NumberJudgement) -> dict[str, float]:
    """Count the rows on which each of two predictors is closer to the truth."""
    mine, theirs = ours.misses, other.misses
    return {"only_model_right": int((mine < theirs).sum()), "only_baseline_right": int((mine > theirs).sum())}
