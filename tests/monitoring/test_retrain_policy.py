"""When to train again, and what may take the champion's place."""

from __future__ import annotations

import numpy as np
import pytest

from feilun.core.remark import said_in
from feilun.core.report import Figure
from feilun.evaluation.paired import Comparison, compare
from feilun.monitoring.retrain_policy import Contest, RetrainSettings, Situation, better, due

SETTINGS = RetrainSettings(labels=200, fewest_labels=50, days=30, accuracy_below=0.8)


def compared(n: int, gained: int, lost: int) -> Comparison:
    champion, challenger = np.ones(n, dtype=np.bool_), np.ones(n, dtype=np.bool_)
    champion[:gained] = False
    challenger[gained : gained + lost] = False
    return compare(champion, challenger, resamples=0)


@pytest.mark.parametrize(
    ("now", "expected", "says"),
    [
        (Situation(200, 0), True, "200 new labels"),
        (Situation(199, 0), False, "no reason"),
        (Situation(60, 0, ("labels", "scores")), True, "drift of labels, scores"),
        (Situation(60, 30), True, "30.0 days old"),
        (Situation(60, 0, (), Figure(0.7, 0.6, 0.79)), True, "accuracy by feedback is 0.700"),
        (Situation(60, 0, (), Figure(0.7, 0.6, 0.81)), False, "no reason"),
        (Situation(49, 99, ("labels",)), False, "teach too little"),
    ],
)
def test_what_is_a_reason(now: Situation, expected: bool, says: str) -> None:
    verdict = due(SETTINGS, now)
    assert verdict.yes is expected
    assert says in "; ".join(verdict.reasons)


def test_drift_is_no_reason_where_the_recipe_says_so() -> None:
    assert not due(RetrainSettings(drift=False), Situation(60, 0, ("labels",))).yes


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (compared(500, 0, 0), compared(100, 20, 2), True),
        (compared(500, 2, 6), compared(100, 20, 2), True),  # less than the margin, and by chance
        (compared(500, 0, 6), compared(100, 20, 2), False),  # more than the margin
        (compared(5000, 0, 20), compared(100, 20, 2), False),  # within the margin, but surely worse
        (compared(500, 0, 0), compared(100, 4, 2), False),  # better by chance
        (compared(500, 0, 0), compared(30, 4, 0), True),  # few rows, and all of them gained
        (compared(500, 0, 0), compared(30, 3, 0), False),
        (compared(500, 0, 0), compared(100, 2, 20), False),
        (compared(500, 9, 0), compared(0, 0, 0), False),  # nothing to compare by
    ],
)
def test_no_worse_on_old_rows_and_better_on_new_ones(old: Comparison, new: Comparison, expected: bool) -> None:
    verdict = better(RetrainSettings(), {"": Contest(old, new)})
    assert verdict.yes is expected
    assert len(verdict.reasons) == 2


def test_of_several_tasks_none_may_be_worse_and_one_must_be_better() -> None:
    won, even, lost = (compared(100, *uneven) for uneven in ((20, 2), (3, 3), (2, 20)))
    barely = compared(100, 7, 1)  # p = 0.02: better alone, and not as one of three
    old = compared(500, 0, 0)

    def verdict(*new: Comparison, before: Comparison = old) -> bool:
        return better(RetrainSettings(), {f"task {i}": Contest(before, one) for i, one in enumerate(new)}).yes

    assert verdict(won, even, even)
    assert not verdict(won, lost, even)
    assert not verdict(even, even)
    assert verdict(barely)
    assert not verdict(barely, even, even)
    assert not verdict(won, even, before=compared(500, 0, 6))


def test_reasons_are_told_in_chinese_too() -> None:
    told = due(SETTINGS, Situation(200, 31, ("labels", "scores"), Figure(0.7, 0.6, 0.79))).reasons
    assert [said_in("zh", reason) for reason in told] == [
        "有 200 个新标签，200 个就够",
        "labels、scores 漂移",
        "现任已用 31.0 天，允许 30 天",
        "按反馈计算的准确率为 0.700（至多 0.790），要求 0.8",
    ]
    (forgot, won) = better(SETTINGS, {"topic": Contest(compared(500, 0, 6), compared(100, 20, 2))}).reasons
    assert said_in("zh", forgot).startswith(
        "topic：在 500 条旧的测试行上变差：accuracy 1 → 0.988（新对 0，新错 6，p = "
    )
    assert said_in("zh", forgot).endswith("），允许损失 0.01")
    assert said_in("zh", won).startswith("topic：在 100 条新的行上变好：accuracy 0.8 → 0.98（新对 20，新错 2，p = ")
