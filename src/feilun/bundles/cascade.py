"""Two models as one: a static student answers what it is sure of, the transformer the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from feilun.bundles.runtime import Runtime
from feilun.core.prediction import Decision, temperature_of

STUDENT, CASCADE = "student.onnx", "cascade.json"
"""What a bundle that is a cascade holds besides `model.onnx`, the transformer."""


@dataclass(frozen=True)
class CascadeSettings:
    """What stands in `cascade.json`.

    Args:
        model_temperature: Divides the transformer's logits, so that both models' scores mean the same.
        student_temperature: Divides the student's.
        threshold: The student answers where its score is at least this.
    """

    model_temperature: float
    student_temperature: float
    threshold: float

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Read what `dataclasses.asdict` wrote.

        Raises:
            KeyError, TypeError, ValueError: If the table is not of that form.
        """
        model, student = (temperature_of(table, f"{name}_temperature") for name in ("model", "student"))
        return cls(model, student, float(table["threshold"]))


class Cascade(Runtime):
    """A transformer behind a static student that reads the same tokens; a Predictor, safe to share between threads.

    Logits come from whichever model answers, each divided by its temperature; what a text is answered by depends on
    the text alone, not on those beside it. States are always the transformer's.

    Args:
        model: The transformer's ONNX file.
        student: The student.
        settings: Temperatures and threshold.
        options: What else `Runtime` takes: cleaning, decision, pad_id, threads.
    """

    def __init__(self, model: Path, student: Runtime, settings: CascadeSettings, **options: Any) -> None:
        super().__init__(model, student.encoder, student.labels, **options)
        self.student = student
        self.settings = settings

    def logits_of(self, rows: list[list[int]], features: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Return the logits of both models for token ids, the student's first, shape (rows, 2 × labels)."""
        return np.concatenate([self.student.logits_of(rows), super()._run_rows(rows, "logits")], axis=1)

    def sure(self, logits: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Say which texts the student answers itself, from its logits of shape (rows, labels); shape (rows,)."""
        scores = Decision(self.settings.student_temperature).probabilities(logits).max(axis=1, initial=0)
        answered: NDArray[np.bool_] = scores >= self.settings.threshold
        return answered

    def _run_rows(
        self, rows: list[list[int]], output: str, features: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        if output != "logits":
            return super()._run_rows(rows, output)
        said = self.student.logits_of(rows)
        logits: NDArray[np.float32] = said / np.float32(self.settings.student_temperature)
        rest = np.flatnonzero(~self.sure(said))
        if len(rest):
            answers = super()._run_rows([rows[i] for i in rest.tolist()], output)
            logits[rest] = answers / np.float32(self.settings.model_temperature)
        return logits
