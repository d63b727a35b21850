"""How models of each task are calibrated and judged; a new task is a file beside this and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from feilun.core.corpus import Corpus
from feilun.core.labels import LabelSet
from feilun.core.ports import Predictor
from feilun.core.report import Report
from feilun.evaluation.calibration import Abstention
from feilun.evaluation.judges.classify import ClassifyJudge
from feilun.evaluation.judges.generate import GenerateJudge
from feilun.evaluation.judges.multilabel import MultilabelJudge
from feilun.evaluation.judges.multitask import MultitaskJudge
from feilun.evaluation.judges.rank import RankJudge
from feilun.evaluation.judges.regress import RegressJudge
from feilun.evaluation.judges.request import ReportRequest
from feilun.evaluation.judges.similarity import SimilarityJudge
from feilun.evaluation.judges.tag import TagJudge


class Judge(Protocol):
    """What a task's models are judged by."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Return the names of the figures in a report, the one that stops training early first."""
        ...

    def figures(self, logits: Any, corpus: Corpus, labels: LabelSet, decision: Any) -> dict[str, float]:
        """Compute the figures while training, from a model's logits of rows with targets."""
        ...

    def calibrate(
        self, logits: Any, corpus: Corpus, labels: LabelSet, decision: Any, abstention: Abstention | None
    ) -> Any:
        """Choose on validation rows how logits become predictions; `abstention` sets when a person is asked."""
        ...

    def baselines(self, train: Corpus, validation: Corpus, labels: LabelSet) -> dict[str, Predictor]:
        """Fit what a model has to beat to be worth its cost."""
        ...

    def report(self, predictor: Predictor, corpus: Corpus, asked: ReportRequest) -> Report:
        """Judge a predictor on rows with targets."""
        ...


SINGLE: Mapping[str, Judge] = {
    "classify": ClassifyJudge(),
    "generate": GenerateJudge(),
    "match": ClassifyJudge(),
    "multilabel": MultilabelJudge(),
    "rank": RankJudge(),
    "regress": RegressJudge(),
    "similarity": SimilarityJudge(),
    "tag": TagJudge(),
}

JUDGES: Mapping[str, Judge] = {**SINGLE, "multitask": MultitaskJudge(SINGLE)}
