"""Step 4: a trained model becomes a file that needs no torch; int8 where that changes next to nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from feilun.bundles.runtime import Runtime
from feilun.compression.export import export_onnx
from feilun.compression.fidelity import Fidelity, judge_fidelity, texts_of_all_lengths
from feilun.compression.quantize import CompressionSettings, quantize_int8
from feilun.core.corpus import Corpus
from feilun.core.decisions.table import AnyDecision
from feilun.core.prediction import Prediction
from feilun.core.splits import Splits
from feilun.models.text_model import TextModel
from feilun.text.clean import Cleaning


@dataclass(frozen=True)
class Compressed:
    """A model as it will be served; a Predictor.

    Args:
        model: The ONNX file.
        runtime: Runs it.
        precision: Of its weights.
        fidelity: How int8 compares with float32, where int8 was tried.
        remarks: For the report, finished sentences.
    """

    model: Path
    runtime: Runtime
    precision: Literal["int8", "fp32"]
    fidelity: Fidelity | None
    remarks: tuple[str, ...]

    def predict(self, corpus: Corpus) -> list[Prediction]:
        """Return one prediction a row, in the order of the rows."""
        return self.runtime.predict(corpus)

    def logits(self, corpus: Corpus) -> Any:
        """Return logits, not yet calibrated, as `Runtime.logits` does."""
        return self.runtime.logits(corpus)

    def decide(self, decision: AnyDecision) -> None:
        """Set temperature and thresholds."""
        self.runtime.decision = decision

    def cost(self) -> dict[str, float]:
        """Return the figures of the comparison for the report."""
        figures: dict[str, float] = {"model_bytes": self.model.stat().st_size}
        if self.fidelity is not None:
            figures["int8_compared_texts"] = self.fidelity.texts
            figures["int8_changed_share"] = max(self.fidelity.changed.values())
        return figures


def compress(
    model: TextModel, splits: Splits, settings: CompressionSettings, cleaning: Cleaning, folder: Path
) -> Compressed:
    """Export a model and make it int8, unless that changes more than it may.

    Args:
        model: The trained model; it is folded and trains no more.
        splits: Int8 is compared on their texts; the accuracy on the validation rows.
        settings: The table `[compression]`.
        cleaning: What the runtime does to every text first.
        folder: Receives the files.

    Returns:
        The model as it will be served: int8 where it kept its answers, else float32, with a remark that says why.
    """
    model.fold()
    plain = folder / "model.fp32.onnx"
    export_onnx(model, plain)
    float32 = _runtime(plain, model, splits, cleaning)
    if settings.quantize == "none":
        return Compressed(plain, float32, "fp32", None, ("Weights are float32, as the recipe asks.",))
    small = folder / "model.int8.onnx"
    quantize_int8(plain, small)
    int8 = _runtime(small, model, splits, cleaning)
    pool = [text for part in (splits.test, splits.train) for text in part.text]
    wanted = max(settings.texts - len(splits.validation), settings.texts // 4)
    texts = texts_of_all_lengths(pool, model.encoder, wanted, seed=13)
    fidelity = judge_fidelity(float32, int8, texts, splits.validation)
    objections = fidelity.objections(settings.max_changed)
    if objections:
        remark = f"Weights are float32: int8 was tried and refused, for {'; '.join(objections)}."
        return Compressed(plain, float32, "fp32", fidelity, (remark,))
    remark = (
        f"Weights are int8: of {fidelity.texts:,} texts of {fidelity.shortest} to {fidelity.longest} tokens, "
        f"{max(fidelity.changed.values()):.2%} get another answer than in float32; "
        f"of the validation rows it lost {fidelity.worse} and won {fidelity.better}."
    )
    return Compressed(small, int8, "int8", fidelity, (remark,))


def _runtime(path: Path, model: TextModel, splits: Splits, cleaning: Cleaning) -> Runtime:
    return Runtime(
        path, model.encoder, splits.labels, cleaning=cleaning, decision=model.decision, pad_id=model.base.pad_id
    )
