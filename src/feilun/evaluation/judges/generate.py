"""Written answers: figures, baseline and report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.decisions.generate import GenerateDecision
from feilun.core.labels import LabelSet
from feilun.core.ports import Predictor
from feilun.core.report import Report
from feilun.evaluation.baselines.texts import fit_lead
from feilun.evaluation.calibration import Abstention
from feilun.evaluation.judges.request import ReportRequest, checked
from feilun.evaluation.metrics.arithmetic import Floats
from feilun.evaluation.metrics.texts import TextJudgement, figures_of, judge_texts, perplexity
from feilun.evaluation.resampling import figure_of, intervals_of
from feilun.evaluation.slices import figures_by

NEARNESS = 0
"""Column of a judgement's figures by which two predictors are compared row by row."""


@runtime_checkable
class Foretells(Protocol):
    """A predictor that also says how likely it finds the known answers."""

    def logits(self, corpus: Corpus) -> Any:
        """Return surprise and tokens of each row's answer, shape (rows, 2)."""
        ...


class GenerateJudge:
    """Judges models that write answers."""

    metrics = ("perplexity", "rouge_l", "rouge_l_words", "exact_match")

    def figures(
        self, logits: NDArray[np.float32], corpus: Corpus, labels: LabelSet, decision: GenerateDecision
    ) -> dict[str, float]:
        """Compute the figure while training, without writing anything.

        Args:
            logits: Negative log likelihood and tokens of each row's answer, shape (rows, 2).
            corpus: The rows.
            labels: None.
            decision: Not looked at.

        Returns:
            The perplexity.
        """
        return {"perplexity": perplexity(logits)}

    def calibrate(
        self,
        logits: NDArray[np.float32],
        corpus: Corpus,
        labels: LabelSet,
        decision: GenerateDecision,
        abstention: Abstention | None,
    ) -> GenerateDecision:
        """Leave the decision as it is: there is nothing to choose."""
        return decision

    def baselines(self, train: Corpus, validation: Corpus, labels: LabelSet) -> dict[str, Predictor]:
        """Fit the beginning of the text, as long as answers are."""
        return {"beginning of the text": fit_lead([str(target) for target in train.target or ()])}

    def report(self, predictor: Predictor, corpus: Corpus, asked: ReportRequest) -> Report:
        """Judge a predictor on rows with targets."""
        judged = _judge(predictor, corpus)
        others = {name: _judge(other, corpus) for name, other in asked.baselines.items()}
        ends = intervals_of(judged.sums, figures_of, asked.resamples, asked.seed)
        return Report(
            n=len(corpus),
            metrics={name: figure_of(value, ends.get(name)) for name, value in _plain(judged).items()},
            slices=figures_by(corpus, asked.slices, lambda own: _slice(judged, own)),
            baselines={name: {**_plain(other), **_nearer(judged, other)} for name, other in others.items()},
        )


def _judge(predictor: Predictor, corpus: Corpus) -> TextJudgement:
    written = [prediction.text or "" for prediction in checked(predictor, corpus)]
    surprise = predictor.logits(corpus).astype(np.float64) if isinstance(predictor, Foretells) else None
    return judge_texts(written, [str(target) for target in corpus.target or ()], surprise)


def _plain(judged: TextJudgement) -> dict[str, float]:
    return {name: float(value) for name, value in figures_of(judged.sums.sum(0)).items()}


def _slice(judged: TextJudgement, own: NDArray[np.bool_]) -> dict[str, float]:
    figures: Mapping[str, Floats] = figures_of(judged.sums[own].sum(0))
    return {"n": int(own.sum()), **{name: float(value) for name, value in figures.items()}}


def _nearer(ours: TextJudgement, other: TextJudgement) -> dict[str, float]:
    """Count the rows on which each of two predictors is nearer to the known answer."""
    mine, theirs = ours.figures[:, NEARNESS], other.figures[:, NEARNESS]
    return {"only_model_right": int((mine > theirs).sum()), "only_baseline_right": int((mine < theirs).sum())}
