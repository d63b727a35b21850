"""When to stop, and which weights to keep."""

from __future__ import annotations

from dataclasses import dataclass

from feilun.core.remark import Remark
from feilun.core.settings import setting
from feilun.evaluation.metrics.single_label import LOWER_IS_BETTER


def lower_is_better(metric: str) -> bool:
    """Say whether a lower value of a figure is the better one; of several tasks the task's name may stand before it."""
    return metric.rpartition(".")[2] in LOWER_IS_BETTER | {"loss"}


@dataclass(frozen=True)
class EarlyStopping:
    """The table `training.early_stopping`."""

    metric: str = setting(
        "macro_f1",
        Remark(
            "metric on the validation rows that picks the best weights; by default the first of the task's",
            "按哪个验证集指标选最好的权重；默认为该任务的第一个指标",
        ),
    )
    patience: int = setting(
        4,
        Remark(
            "evaluations without a better value, after the warmup, before training stops; 0 never stops",
            "预热之后连续多少次评估没有改善就停止；0 从不停止",
        ),
        minimum=0,
    )
    evaluations_per_epoch: int = setting(
        2, Remark("how often the validation rows are looked at", "一轮训练里评估验证集几次"), minimum=1
    )

    def better(self, value: float, best: float | None) -> bool:
        """Say whether a value beats the best so far."""
        if best is None:
            return True
        return value < best if lower_is_better(self.metric) else value > best

    def enough(self, waited: int) -> bool:
        """Say whether to stop after `waited` evaluations without a better value."""
        return 0 < self.patience <= waited
