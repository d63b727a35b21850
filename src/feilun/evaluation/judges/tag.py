"""Spans: figures, baseline and report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.decisions.tag import TagDecision
from feilun.core.errors import DataError
from feilun.core.labels import LabelSet
from feilun.core.ports import Predictor
from feilun.core.prediction import Prediction
from feilun.core.remark import Remark
from feilun.core.report import Report
from feilun.core.spans import Span, TokenLogits
from feilun.evaluation.baselines.spans import fit_span_baselines
from feilun.evaluation.calibration import Abstention
from feilun.evaluation.judges.request import ReportRequest, check_known, checked
from feilun.evaluation.label_thresholds import FEWEST_ROWS_OF_A_LABEL, best_threshold
from feilun.evaluation.metrics import spans
from feilun.evaluation.metrics.single_label import compare
from feilun.evaluation.metrics.spans import SpanJudgement
from feilun.evaluation.resampling import figure_of, intervals_of
from feilun.evaluation.slices import figures_by


class TagJudge:
    """Judges models that find spans."""

    metrics = ("entity_f1", "entity_precision", "entity_recall", "partial_f1", "macro_f1")

    def figures(
        self, logits: Sequence[TokenLogits], corpus: Corpus, labels: LabelSet, decision: TagDecision
    ) -> dict[str, float]:
        """Compute the figures while training.

        Args:
            logits: Of each row's tokens.
            corpus: The rows, with targets.
            labels: Labels of the spans.
            decision: Turns logits into spans.

        Returns:
            All of `metrics`.
        """
        counts = judgement_of(logits, corpus, labels, decision).counts.sum(0)
        return {name: float(value) for name, value in spans.figures(counts).items()}

    def calibrate(
        self,
        logits: Sequence[TokenLogits],
        corpus: Corpus,
        labels: LabelSet,
        decision: TagDecision,
        abstention: Abstention | None,
    ) -> TagDecision:
        """Choose by label from which score on spans are sure enough; which spans are told stays."""
        truth = [set(own) for own in _spans(corpus)]
        found = [(span, own) for said, own in zip(decision.decide(logits, labels.names), truth, strict=True)
                 for span in said.spans or ()]  # fmt: skip
        chosen = []
        for name in labels.names:
            count = sum(span.label == name for own in truth for span in own)
            mine = [(span.score, Span(span.start, span.end, name) in own) for span, own in found if span.label == name]
            scores, right = np.array([score for score, _ in mine]), np.array([hit for _, hit in mine], np.bool_)
            if count >= FEWEST_ROWS_OF_A_LABEL:
                chosen.append((name, best_threshold(scores, right, count - int(right.sum()))))
        return replace(decision, sure_from=tuple(chosen))

    def baselines(self, train: Corpus, validation: Corpus, labels: LabelSet) -> dict[str, Predictor]:
        """Fit the dictionary of training mentions."""
        return fit_span_baselines(train, _spans(train), labels.names)

    def report(self, predictor: Predictor, corpus: Corpus, asked: ReportRequest) -> Report:
        """Judge a predictor on rows with targets.

        Raises:
            DataError: If a target is no list of spans, or holds a label that the predictor does not know.
        """
        names = asked.example.ranked.names
        targets = _spans(corpus)
        check_known([[span.label for span in own] for own in targets], corpus, names)
        judgement = _judge(checked(predictor, corpus), targets, names)
        others = {name: _judge(checked(other, corpus), targets, names) for name, other in asked.baselines.items()}
        counts = judgement.counts
        ends = intervals_of(counts, spans.figures, asked.resamples, asked.seed)
        return Report(
            n=len(corpus),
            metrics={name: figure_of(float(v), ends.get(name)) for name, v in spans.figures(counts.sum(0)).items()},
            per_label=spans.by_label(names, counts.sum(0)),
            labels=names,
            slices=figures_by(corpus, asked.slices, lambda own: _slice(counts[own])),
            baselines={name: {**_plain(other), **compare(judgement, other)} for name, other in others.items()},
        )


def judgement_of(
    logits: Sequence[TokenLogits], corpus: Corpus, labels: LabelSet, decision: TagDecision
) -> SpanJudgement:
    """Set a model's spans beside the true ones."""
    return SpanJudgement(labels.names, _spans(corpus), decision.spans(logits, labels.names))


def _spans(corpus: Corpus) -> list[list[Span]]:
    """Return the true spans of each row."""
    rows: list[Any] = list(corpus.target or ())
    found = []
    for identity, row in zip(corpus.id, rows, strict=True):
        try:
            found.append([Span(int(start), int(end), str(label)) for start, end, label in row])
        except (TypeError, ValueError) as error:
            raise DataError(
                Remark(
                    f"The target of row {identity!r} is {str(row)[:60]!r}, not a list of spans.",
                    f"第 {identity!r} 行的目标是 {str(row)[:60]!r}，不是片段列表。",
                ),
                Remark(
                    "Give (start, end, label) for each span of a row, an empty list where it has none.",
                    "请为一行的每个片段给出 (start, end, label)，没有片段时给空列表。",
                ),
            ) from error
    return found


def _judge(predictions: Sequence[Prediction], targets: list[list[Span]], names: tuple[str, ...]) -> SpanJudgement:
    found = [[Span(one.start, one.end, one.label) for one in p.spans or ()] for p in predictions]
    return SpanJudgement(names, targets, found)


def _plain(judgement: SpanJudgement) -> dict[str, float]:
    return {name: float(value) for name, value in spans.figures(judgement.counts.sum(0)).items()}


def _slice(counts: NDArray[np.int64]) -> dict[str, float]:
    figures = spans.figures(counts.sum(0))
    return {"n": len(counts), "entity_f1": float(figures["entity_f1"]), "partial_f1": float(figures["partial_f1"])}
