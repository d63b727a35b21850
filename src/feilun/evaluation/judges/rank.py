"""Candidates of queries in the order of their relevance: figures of the lists, baselines and report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.decisions.rank import NAMES, RankDecision, queries
from feilun.core.errors import DataError, MissingExtra
from feilun.core.labels import LabelSet
from feilun.core.ports import Predictor
from feilun.core.prediction import Prediction
from feilun.core.remark import Remark
from feilun.core.report import Report
from feilun.evaluation.baselines.ranking import fit_rank_baselines
from feilun.evaluation.calibration import Abstention
from feilun.evaluation.judges.request import ReportRequest, checked
from feilun.evaluation.metrics.arithmetic import Floats
from feilun.evaluation.metrics.clicks import area_under_curve
from feilun.evaluation.metrics.ranking import DEPTH, gains_of_groups, means, per_query
from feilun.evaluation.slices import figures_by

AREA = "auc"
METRICS = (f"ndcg@{DEPTH}", f"mrr@{DEPTH}", f"map@{DEPTH}", f"recall@{DEPTH}", AREA)


@dataclass(frozen=True)
class RankJudgement:
    """Lists of candidates beside the truth.

    Args:
        groups: Number of each row's query, shape (rows,).
        figures: By name those of each query, shape (queries,); NaN where it has nothing to find.
    """

    groups: NDArray[np.int64]
    figures: Mapping[str, Floats]

    @property
    def first(self) -> NDArray[np.bool_]:
        """Return whether each query has a relevant candidate in the first place, shape (queries,)."""
        right: NDArray[np.bool_] = self.figures[f"mrr@{DEPTH}"] == 1
        return right


class RankJudge:
    """Judges models that say how relevant candidates are to queries."""

    metrics = METRICS

    def figures(
        self, logits: NDArray[np.float32], corpus: Corpus, labels: LabelSet, decision: RankDecision
    ) -> dict[str, float]:
        """Compute the figures while training.

        Args:
            logits: Shape (rows, 1).
            corpus: The rows, with targets.
            labels: The name of the relevance.
            decision: Does not change the order.

        Returns:
            Those of `metrics` that are defined on the rows: means over queries that have something to find.
        """
        judged = judgement_of(logits[:, 0], corpus)
        return {name: figure.value for name, figure in _means(judged, 0, 0).items()}

    def calibrate(
        self,
        logits: NDArray[np.float32],
        corpus: Corpus,
        labels: LabelSet,
        decision: RankDecision,
        abstention: Abstention | None,
    ) -> RankDecision:
        """Fit the probability of being relevant at all; where all rows or none are, it stays as it is.

        Raises:
            MissingExtra: If scikit-learn is not installed.
        """
        relevant = _relevance(corpus) > 0
        decision = replace(decision, spread=float(logits.std()) or 1.0)
        if relevant.all() or not relevant.any():
            return decision
        try:
            from sklearn.linear_model import LogisticRegression
        except ImportError as error:
            raise MissingExtra("scikit-learn", "data", Remark("Calibrating relevances", "校准相关度")) from error
        fitted = LogisticRegression(C=1e6).fit(logits.astype(np.float64), relevant)
        return replace(decision, slope=max(1e-6, float(fitted.coef_[0, 0])), offset=float(fitted.intercept_[0]))

    def baselines(self, train: Corpus, validation: Corpus, labels: LabelSet) -> dict[str, Predictor]:
        """Fit the order by shared words: TF-IDF cosine, and BM25."""
        return fit_rank_baselines(train)

    def report(self, predictor: Predictor, corpus: Corpus, asked: ReportRequest) -> Report:
        """Judge a predictor on rows with targets.

        Raises:
            DataError: If no query has a relevant candidate.
        """
        judged = _judge(checked(predictor, corpus), corpus)
        if not (_relevance(corpus) > 0).any():
            raise DataError(
                Remark(
                    "No candidate of these rows is relevant: there is nothing to find.",
                    "这些行中没有一个相关的候选：没有可找的内容。",
                ),
                Remark("Give such rows.", "请给出有相关候选的行。"),
            )
        others = {name: _judge(checked(other, corpus), corpus) for name, other in asked.baselines.items()}
        return Report(
            n=len(corpus),
            metrics=_means(judged, asked.resamples, asked.seed),
            labels=NAMES,
            slices=figures_by(corpus, asked.slices, lambda own: _slice(judged, own)),
            baselines={
                name: {**{key: one.value for key, one in _means(other, 0, 0).items()}, **_first(judged, other)}
                for name, other in others.items()
            },
        )


def judgement_of(scores: NDArray[np.floating], corpus: Corpus) -> RankJudgement:
    """Set the scores of candidates, shape (rows,), beside their relevance."""
    groups = queries(corpus)
    relevance = _relevance(corpus)
    figures = per_query(*gains_of_groups(scores.astype(np.float64), relevance, groups))
    order = np.argsort(groups, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    areas = [area_under_curve(scores[part].astype(np.float64), relevance[part] > 0) for part in parts if len(part)]
    kept = {name: figures[name] for name in METRICS if name in figures}
    return RankJudgement(groups, {**kept, AREA: np.array(areas, dtype=np.float64)})


def _relevance(corpus: Corpus) -> Floats:
    return np.array([float(target) for target in corpus.target or ()], dtype=np.float64)


def _judge(predictions: Sequence[Prediction], corpus: Corpus) -> RankJudgement:
    scores: Any = [prediction.relevance for prediction in predictions]
    return judgement_of(np.array(scores, dtype=np.float64), corpus)


def _means(judged: RankJudgement, resamples: int, seed: int) -> dict[str, Any]:
    """Average each figure over the queries for which it is defined; the area wants an irrelevant candidate too."""
    area = {AREA: judged.figures[AREA]}
    others = {name: values for name, values in judged.figures.items() if name != AREA}
    return {**means(others, resamples, seed), **means(area, resamples, seed)}


def _slice(judged: RankJudgement, own: NDArray[np.bool_]) -> dict[str, float]:
    """Return the figures of the queries that have a row in a slice."""
    within = np.unique(judged.groups[own])
    found = {name: values[within] for name, values in judged.figures.items()}
    known = {name: values[~np.isnan(values)] for name, values in found.items()}
    return {"n": int(own.sum()), **{name: float(values.mean()) for name, values in known.items() if len(values)}}


def _first(ours: RankJudgement, other: RankJudgement) -> dict[str, float]:
    """Count the queries of which just one of two orders puts a relevant candidate first."""
    mine, theirs = ours.first, other.first
    return {"only_model_right": int((mine & ~theirs).sum()), "only_baseline_right": int((~mine & theirs).sum())}
