"""The table `[evaluation]` of a recipe."""

from __future__ import annotations

from dataclasses import dataclass

from feilun.core.remark import Remark
from feilun.core.settings import setting


@dataclass(frozen=True)
class EvaluationSettings:
    """The table `[evaluation]`."""

    slices: tuple[str, ...] = setting(
        (),
        Remark(
            "columns by whose values the report is broken down; also length, language",
            "按哪些列的值把报告分开统计；另有 length、language",
        ),
    )
    resamples: int = setting(
        1000,
        Remark(
            "bootstrap samples of the confidence intervals; 0 leaves them out", "置信区间的自助重采样次数；0 不算区间"
        ),
        minimum=0,
    )
    cost_error: float | None = setting(
        None,
        Remark(
            "what a wrong decision costs; with cost_review picks abstention",
            "一次误判的代价；与 cost_review 一起决定何时不作判断",
        ),
        minimum=0,
    )
    cost_review: float | None = setting(
        None, Remark("what it costs when a person decides a text", "一条文本交人工判断的代价"), minimum=0
    )
    wanted_accuracy: float | None = setting(
        None,
        Remark(
            "accuracy that the decided texts must reach; the others go to a person",
            "作出判断的文本必须达到的准确率；其余交人工",
        ),
        above=0,
        maximum=1,
    )
    rows: int | None = setting(
        None,
        Remark(
            "test rows that are judged, evenly spread; none: all, or 200 where answers are written",
            "评估多少测试行，均匀抽取；none：全部，生成时为 200",
        ),
        minimum=1,
    )
    by_label: bool = setting(
        False,
        Remark(
            "pick that score for each label apart, where 20 validation rows or more got it",
            "在 20 条以上验证行得到某标签时，为该标签单独选门限",
        ),
    )

    def contradictions(self) -> list[Remark]:
        """Say which settings exclude each other."""
        found = []
        if self.by_label and self.cost_error is None and self.wanted_accuracy is None:
            found.append(
                Remark(
                    "evaluation.by_label needs evaluation.wanted_accuracy, or the two costs.",
                    "evaluation.by_label 需要 evaluation.wanted_accuracy，或者两个代价。",
                )
            )
        if (self.cost_error is None) != (self.cost_review is None):
            found.append(
                Remark(
                    "evaluation.cost_error and evaluation.cost_review belong together: give both, or neither.",
                    "evaluation.cost_error 和 evaluation.cost_review 要一起用：两个都给，或者都不给。",
                )
            )
        if self.cost_error is not None and self.wanted_accuracy is not None:
            found.append(
                Remark(
                    "evaluation.wanted_accuracy and the two costs both set the threshold: keep one of them.",
                    "evaluation.wanted_accuracy 和两个代价都会设定阈值：请只留其中之一。",
                )
            )
        return found
