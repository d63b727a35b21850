"""What a run that cannot go on has left, and what it says."""

from __future__ import annotations

from pathlib import Path

from feilun.core.errors import LossNotFinite, TrainingError
from feilun.core.remark import Remark, joined
from feilun.training import checkpoint

LOWER = Remark(
    "Try a lower training.learning_rate, or model.precision=fp32.",
    "请调低 training.learning_rate，或设置 model.precision=fp32。",
)


def kept(folder: Path) -> Remark:
    """Say which state a run has left."""
    if not checkpoint.exists(folder):
        return Remark("Nothing had been learned yet.", "此前什么也没有学到。")
    return Remark(
        f"The last good state is kept in {folder}; --resume goes on from it where rows and settings are the "
        "same, otherwise training begins anew.",
        f"最后的正常状态保存在 {folder}；数据和设置不变时，--resume 从那里接着训练，否则从头开始。",
    )


def broken_loss(step: int, rows: list[str], folder: Path) -> LossNotFinite:
    """Return the error of a step whose loss or gradient is not finite."""
    look = Remark("Look at these rows.", "请查看这些行。")
    return LossNotFinite(step, rows, joined([look, LOWER, kept(folder)], " ", ""))


def broken_answers(step: int, folder: Path) -> TrainingError:
    """Return the error of an evaluation in which what the model says is not finite."""
    return TrainingError(
        Remark(
            f"After step {step} what the model says of the validation rows is not finite.",
            f"第 {step} 步之后，模型对验证行的输出不是有限数。",
        ),
        joined([LOWER, kept(folder)], " ", ""),
    )
