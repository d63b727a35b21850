"""Step 4: a trained model becomes files that need no torch, small and fast where that costs next to nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from feilun.bundles.cascade import CASCADE, STUDENT, Cascade
from feilun.bundles.generator import Generator
from feilun.bundles.runtime import Runtime
from feilun.compression import rounding
from feilun.compression.adapter_form import Apart, refuse_unless_apart
from feilun.compression.cascade import fit_cascade, objections, sentence
from feilun.compression.export import export_onnx
from feilun.compression.fidelity import Fidelity, judge_fidelity, texts_of_all_lengths
from feilun.compression.generation import export_generator, exported, quantized_generator
from feilun.compression.half import write_half
from feilun.compression.promise import Promise
from feilun.compression.pruned import PrunedForm, Recover, pruned_form
from feilun.compression.quantize import quantize_int8
from feilun.compression.settings import AS_ASKED, CompressionSettings, Form, Precision
from feilun.compression.student import distil
from feilun.core.corpus import Corpus
from feilun.core.decisions.table import AnyDecision
from feilun.core.prediction import Prediction
from feilun.core.remark import Remark, joined
from feilun.core.splits import Splits
from feilun.evaluation.presentation.remarks import BEFORE
from feilun.models.text_model import TextModel
from feilun.text.clean import Cleaning

MODEL = "model.onnx"


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


def check_form(model: TextModel, settings: CompressionSettings) -> None:
    """Refuse a form that a model cannot have, before it is trained.

    Raises:
        UsageError: If it cannot be parted into a base and an adapter, and is to be.
    """
    if settings.form == "adapter":
        refuse_unless_apart(model)


def compress(
    model: TextModel,
    splits: Splits,
    settings: CompressionSettings,
    cleaning: Cleaning,
    folder: Path,
    unlabelled: Sequence[str] = (),
    recover: Recover | None = None,
) -> Compressed:
    """Export a model, prune it if asked to, make it int8 unless that changes too much, and give it its form.

    Args:
        model: The trained model; unless its adapter is kept apart it is folded, and trains no more.
        splits: Int8 is compared on their texts; accuracy on the validation rows; a student learns from `train`.
        settings: The table `[compression]`.
        cleaning: What the runtime does to every text first.
        folder: Receives the files.
        unlabelled: Further texts for a student.
        recover: Trains a pruned model again; needed where `settings.prune` is above 0.

    Returns:
        The model as it will be served; what was tried and refused is told in a remark.
    """
    if settings.form == "adapter":
        return _compress_adapter(model, splits, settings, cleaning, folder)
    model.fold()
    if model.reads == "answers":
        return _compress_generator(model, splits, settings, cleaning, folder)
    plain = folder / "model.fp32.onnx"
    export_onnx(model, plain)
    features = None if model.fusion is None else model.fusion.columns
    runtime = Runtime(
        plain, model.encoder, splits.labels, cleaning=cleaning, decision=model.decision, pad_id=model.base.pad_id,
        features=features,
    )  # fmt: skip
    if model.base.kind == "blank":
        remark = Remark(
            "Weights are float32: a model that reads features alone is small as it is.",
            "权重为 float32：只读特征列的模型本来就小。",
        )
        return Compressed({MODEL: plain}, runtime, "fp32", remarks=(remark,))
    if not settings.prune or recover is None:
        return compress_runtime(runtime, "fp32", splits, settings, folder, unlabelled)
    pruning = pruned_form(model, runtime, splits, settings, recover, folder)
    made = compress_runtime(pruning.runtime, "fp32", splits, settings, folder, unlabelled)
    return replace(made, pruning=pruning, remarks=(pruning.remark, *made.remarks))


def _compress_generator(
    model: TextModel, splits: Splits, settings: CompressionSettings, cleaning: Cleaning, folder: Path
) -> Compressed:
    plain = exported(model, folder / "model.fp32.onnx", cleaning, splits.validation)

    def in_int8(block: int) -> Generator:
        return export_generator(model, folder / f"model.int8.{block}.onnx", cleaning, block=block)

    runtime, precision, remark = quantized_generator(plain, in_int8, splits, settings)
    return Compressed({MODEL: runtime.model}, runtime, precision, remarks=(remark,))


def _compress_adapter(
    model: TextModel, splits: Splits, settings: CompressionSettings, cleaning: Cleaning, folder: Path
) -> Compressed:
    """Write adapter and head apart from the base's graph, which is kept for all; what becomes int8 is the base."""
    apart = Apart.of(model, folder)
    if model.reads == "answers":
        generator = apart.generator(cleaning, splits.validation)
        chosen, precision, remark = quantized_generator(
            generator, lambda block: apart.int8_generator(cleaning, block), splits, settings
        )
        made = Compressed({}, chosen, precision, remarks=(remark,))
    else:
        source = apart.runtime(splits.labels, cleaning)
        made = _in_precision(source, splits, settings, folder, shared=True)
    runtime, facts = apart.on_kept_graph(made.runtime)
    return replace(made, form="adapter", files=apart.files.by_name(), runtime=runtime, facts=facts)


def compress_runtime(
    source: Runtime,
    precision: Precision,
    splits: Splits,
    settings: CompressionSettings,
    folder: Path,
    unlabelled: Sequence[str] = (),
) -> Compressed:
    """Make a model that runs already smaller and faster, as `compress` does.

    Args:
        source: The model.
        precision: Of its weights.
        splits: As for `compress`.
        settings: The table `[compression]`.
        folder: Receives the files.
        unlabelled: Further texts for a student.
    """
    if precision != "fp32":
        made = Compressed({MODEL: source.model}, source, precision)
    else:
        made = _in_precision(source, splits, settings, folder)
    return made if settings.form == "model" else with_student(made, splits, settings, folder, unlabelled)


def _in_precision(
    source: Runtime, splits: Splits, settings: CompressionSettings, folder: Path, *, shared: bool = False
) -> Compressed:
    if settings.quantize != "none":
        return quantized(source, splits, settings, folder, shared=shared)
    return Compressed({MODEL: source.model}, source, "fp32", remarks=(AS_ASKED,))


def quantized(
    source: Runtime, splits: Splits, settings: CompressionSettings, folder: Path, *, shared: bool = False
) -> Compressed:
    """Return a model in int8 or float16 where that keeps its answers, else as it was, with a remark that says why.

    Args:
        source: The model in float32.
        splits: Their texts are compared; int8 weights are rounded for those of `train`.
        settings: The table `[compression]`.
        folder: Receives the file.
        shared: Round each weight to its nearest, as the weights are of a base that other models share.
    """
    precision: Precision = "fp16" if settings.quantize == "fp16" else "int8"
    file = folder / f"model.{precision}.onnx"
    if precision == "fp16":
        write_half(source.model, file)
    else:
        quantize_int8(source.model, file, None if shared else rounding.read(source, splits.train, folder))
    small = source.like(file)
    pool = [text for part in (splits.test, splits.train) for text in part.text]
    wanted = max(settings.texts - len(splits.validation), settings.texts // 4)
    texts = texts_of_all_lengths(pool, source.encoder, wanted, seed=13)
    fidelity = judge_fidelity(source, small, texts, splits.validation)
    refused = fidelity.objections(settings.max_changed)
    if refused:
        reasons = joined(refused)
        remark = Remark(
            f"Weights are float32: {precision} was tried and refused, for {reasons}.",
            f"权重为 float32：试过 {precision} 而不予采用，因为{reasons.chinese}。",
        )
        return Compressed({MODEL: source.model}, source, "fp32", fidelity=fidelity, remarks=(remark,))
    changed = f"{max(fidelity.changed.values()):.2%}"
    remark = Remark(
        f"Weights are {precision}: of {fidelity.texts:,} texts of {fidelity.shortest} to {fidelity.longest} tokens, "
        f"{changed} get another answer than in float32; "
        f"of the validation rows it lost {fidelity.worse} and won {fidelity.better}.",
        f"权重为 {precision}：{fidelity.texts:,} 条长 {fidelity.shortest} 到 {fidelity.longest} 个词元的文本中，"
        f"{changed} 的回答与 float32 不同；验证行中失去 {fidelity.worse} 条，赢得 {fidelity.better} 条。",
    )
    return Compressed({MODEL: file}, small, precision, fidelity=fidelity, remarks=(remark,))


def with_student(
    made: Compressed, splits: Splits, settings: CompressionSettings, folder: Path, unlabelled: Sequence[str] = ()
) -> Compressed:
    """Distil a student from a model, and put it before or in place of it where that loses no more than it may.

    Args:
        made: The model as it would be served alone.
        splits: The student learns from the texts of `train`; what it may answer is chosen on `validation`.
        settings: Form, promised loss and the student's own settings.
        folder: Receives the student's file.
        unlabelled: Further texts to learn from.

    Returns:
        The cascade or the student; or `made`, with a remark that says why.
    """
    assert isinstance(made.runtime, Runtime)  # noqa: S101 - a recipe that writes answers has no student
    file = folder / STUDENT
    int8 = settings.quantize == "int8"
    student = distil(made.runtime, splits.train, unlabelled, settings.student, file, int8=int8)
    fitted = fit_cascade(made.runtime, student, splits.validation, settings)
    refused = objections(fitted.promise, settings)
    if refused:
        remark = Remark(
            f"The transformer answers everything: a static student was tried and refused, for {refused[0]}.",
            f"全部由 Transformer 回答：试过静态学生模型而不予采用，因为{refused[0].chinese}。",
        )
        return replace(made, promise=fitted.promise, remarks=(*made.remarks, remark))
    remarks = (*made.remarks, sentence(fitted.promise, settings))
    if settings.form == "student":
        student.decision = made.runtime.decision
        precision: Precision = "int8" if int8 else "fp32"
        return Compressed({MODEL: file}, student, precision, "student", promise=fitted.promise, remarks=remarks)
    cascade = Cascade(
        made.runtime.model, student, fitted.settings,
        cleaning=student.cleaning, decision=made.runtime.decision, pad_id=student.pad_id, threads=student.threads,
    )  # fmt: skip
    return replace(
        made, runtime=cascade, form="cascade", files={**made.files, STUDENT: file},
        tables={CASCADE: asdict(fitted.settings)}, promise=fitted.promise, remarks=remarks,
    )  # fmt: skip
