"""What compression makes: a model as it will be served, with what is to be told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feilun.bundles.cascade import Cascade
from feilun.bundles.generator import Generator
from feilun.bundles.runtime import Runtime
from feilun.compression.fidelity import Fidelity
from feilun.compression.pruned import PrunedForm
from feilun.compression.risk_control import Promise
from feilun.compression.settings import Form, Precision
from feilun.core.corpus import Corpus
from feilun.core.decisions.table import AnyDecision
from feilun.core.prediction import Prediction
from feilun.evaluation.presentation.remarks import BEFORE


@dataclass(frozen=True)
class Compressed:
    """A model as it will be served; a Predictor.

    Args:
        files: The ONNX files by the names that they have in a bundle.
        runtime: Runs them.
        precision: Of their weights.
        form: The transformer, a cascade, or the student alone.
        fidelity: How the smaller form compares with float32, where one was tried.
        promise: What a student costs at most, where one was trained.
        remarks: For the report, finished sentences.
        tables: Further JSON files of the bundle, by name.
        facts: What the manifest has to say besides.
        pruning: What came of it, where it was tried.
    """

    files: Mapping[str, Path]
    runtime: Runtime | Generator
    precision: Precision
    form: Form = "model"
    fidelity: Fidelity | None = None
    promise: Promise | None = None
    remarks: tuple[str, ...] = ()
    tables: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    pruning: PrunedForm | None = None

    def predict(self, corpus: Corpus) -> list[Prediction]:
        """Return one prediction a row, in the order of the rows."""
        return self.runtime.predict(corpus)

    def logits(self, corpus: Corpus) -> Any:
        """Return logits, not yet calibrated, as `Runtime.logits` does."""
        return self.runtime.logits(corpus)

    @property
    def decision(self) -> AnyDecision:
        """Return how its answers are chosen."""
        return self.runtime.decision

    def decide(self, decision: Any) -> None:
        """Set temperature and thresholds."""
        self.runtime.decision = decision

    def batch_tokens(self) -> int:
        """Return how many tokens a batch holds of the model that answers first."""
        return self.runtime.student.batch_tokens if isinstance(self.runtime, Cascade) else self.runtime.batch_tokens

    def sources(self) -> dict[str, Runtime]:
        """Return by name what the model came from, to be judged beside it, where it is pruned."""
        return {BEFORE: self.pruning.source} if self.pruning is not None and self.pruning.kept else {}

    def cost(self) -> dict[str, float]:
        """Return the figures of the comparisons for the report."""
        figures: dict[str, float] = {"model_bytes": sum(file.stat().st_size for file in self.files.values())}
        if self.fidelity is not None:
            figures["compared_texts"] = self.fidelity.texts
            figures["changed_share"] = max(self.fidelity.changed.values())
        if self.promise is not None and self.form != "model":
            figures["student_share"] = self.promise.share
            figures["student_loss_bound"] = self.promise.bound
        if self.pruning is not None and self.pruning.kept:
            figures["pruned_speedup"] = round(self.pruning.speedup, 2)
        return figures
