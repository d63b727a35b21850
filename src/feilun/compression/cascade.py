"""A student beside its teacher: both calibrated on validation rows, and what the student may answer."""

from __future__ import annotations

from dataclasses import dataclass

from feilun.bundles.cascade import CascadeSettings
from feilun.bundles.runtime import Runtime
from feilun.compression.risk_control import Promise, fewest_rows, promise, whole_promise
from feilun.compression.settings import CompressionSettings
from feilun.core.corpus import Corpus
from feilun.core.prediction import Decision
from feilun.core.remark import Remark
from feilun.evaluation.calibration import fit_temperature


@dataclass(frozen=True)
class Fitted:
    """A student beside its teacher, and what of the teacher's accuracy is kept.

    Args:
        settings: Both temperatures, and the score from which the student answers.
        promise: What that costs at most.
    """

    settings: CascadeSettings
    promise: Promise


def fit_cascade(teacher: Runtime, student: Runtime, validation: Corpus, settings: CompressionSettings) -> Fitted:
    """Choose from which score on a student answers for its teacher; in the form `student` it answers everything.

    Args:
        teacher: The transformer.
        student: The static model.
        validation: Rows with labels that neither has learned from.
        settings: The form, the promised loss and how sure it must be.

    Returns:
        The choice; in a cascade with a share of 0 where nothing can be promised.
    """
    targets = teacher.labels.encode(validation.target or ())
    said = [runtime.logits(validation) for runtime in (teacher, student)]  # of each (rows, labels)
    model_temperature, student_temperature = (fit_temperature(logits, targets) for logits in said)
    careful, cheap = (logits.argmax(1) == targets for logits in said)
    if settings.form == "student":
        kept = whole_promise(cheap, careful, settings.confidence)
    else:
        scores = Decision(student_temperature).probabilities(said[1]).max(1)
        kept = promise(scores, cheap, careful, settings.max_drop / 100, settings.confidence)
    return Fitted(CascadeSettings(model_temperature, student_temperature, kept.threshold), kept)


def sentence(kept: Promise, settings: CompressionSettings) -> Remark:
    """Say what was promised, for the report."""
    what, zh_what = ("everything", "全部文本") if kept.share == 1 else (
        f"{kept.share:.0%} of the validation rows, the transformer the rest",
        f"验证行的 {kept.share:.0%}，其余由 Transformer 回答",
    )  # fmt: skip
    sure, points = f"{settings.confidence:.0%}", f"{100 * kept.bound:.2f}"
    return Remark(
        f"The static student answers {what}: of {kept.rows:,} rows it loses {kept.lost} and gains {kept.gained}, so "
        f"that, with {sure} confidence, at most {points} points of accuracy are lost; {settings.max_drop:g} are "
        "allowed.",
        f"静态学生模型回答{zh_what}：{kept.rows:,} 行中失去 {kept.lost} 行，赢得 {kept.gained} 行，"
        f"因此以 {sure} 的置信度，准确率最多损失 {points} 个百分点；允许 {settings.max_drop:g} 个。",
    )


def too_few_rows(rows: int, settings: CompressionSettings) -> Remark | None:
    """Say that no student could keep a promise, whatever it learns, for want of validation rows: a clause, or None."""
    fewest = fewest_rows(settings.max_drop / 100, settings.confidence)
    if rows >= fewest:
        return None
    allowed, sure = f"{settings.max_drop:g}", f"{settings.confidence:.0%}"
    return Remark(
        f"to promise {allowed} points at {sure} confidence takes {fewest:,} validation rows, and there are {rows:,}",
        f"要以 {sure} 的置信度承诺 {allowed} 个百分点，需要 {fewest:,} 条验证行，而只有 {rows:,} 条",
    )


def objection(kept: Promise, settings: CompressionSettings) -> Remark | None:
    """Say what speaks against shipping a form with a student: a clause, or None where nothing does."""
    allowed, sure = f"{settings.max_drop:g}", f"{settings.confidence:.0%}"
    if kept.share == 0:
        return Remark(
            f"no share of the texts can be left to it without the risk of losing more than {allowed} points",
            f"哪怕一部分文本交给它，也可能损失超过 {allowed} 个百分点",
        )
    if 100 * kept.bound > settings.max_drop:
        return Remark(
            f"it may lose {100 * kept.bound:.2f} points of accuracy at {sure} confidence; {allowed} points are "
            "allowed (max_drop)",
            f"以 {sure} 的置信度，准确率可能损失 {100 * kept.bound:.2f} 个百分点；允许 {allowed} 个（max_drop）",
        )
    return None
