"""Step 4: a trained model becomes files that need no torch, small and fast where that costs next to nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from feilun.bundles.cascade import CASCADE, STUDENT, Cascade
from feilun.bundles.generator import Generator
from feilun.bundles.runtime import Runtime
from feilun.compression import gptq
from feilun.compression.adapter_form import Apart, refuse_unless_apart
from feilun.compression.cascade import fit_cascade, objection, sentence, too_few_rows
from feilun.compression.compressed import Compressed
from feilun.compression.export import export_onnx
from feilun.compression.fidelity import judge_fidelity, texts_of_all_lengths
from feilun.compression.float16 import write_float16
from feilun.compression.generation import export_generator, exported, quantized_generator
from feilun.compression.pruned import Recover, pruned_form
from feilun.compression.quantize import quantize_int8
from feilun.compression.settings import AS_ASKED, CompressionSettings, Precision
from feilun.compression.student import distil
from feilun.core.remark import Remark, joined
from feilun.core.splits import Splits
from feilun.models.text_model import TextModel
from feilun.text.clean import Cleaning

MODEL = "model.onnx"


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
        write_float16(source.model, file)
    else:
        quantize_int8(source.model, file, None if shared else gptq.read(source, splits.train, folder))
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
    few = too_few_rows(len(splits.validation), settings)
    if few is not None:
        remark = Remark(
            f"The transformer answers everything: no static student was trained, for {few}.",
            f"全部由 Transformer 回答：没有训练静态学生模型，因为{few.chinese}。",
        )
        return replace(made, remarks=(*made.remarks, remark))
    file = folder / STUDENT
    int8 = settings.quantize == "int8"
    student = distil(made.runtime, splits.train, unlabelled, settings.student, file, int8=int8)
    fitted = fit_cascade(made.runtime, student, splits.validation, settings)
    refused = objection(fitted.promise, settings)
    if refused is not None:
        remark = Remark(
            f"The transformer answers everything: a static student was tried and refused, for {refused}.",
            f"全部由 Transformer 回答：试过静态学生模型而不予采用，因为{refused.chinese}。",
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
