"""When a model is to be trained again, and whether what came out may take its place; workflow does the training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from feilun.core.remark import Remark, joined
from feilun.core.report import Figure
from feilun.core.settings import setting
from feilun.evaluation.paired import Comparison
from feilun.monitoring.drift import holm


@dataclass(frozen=True)
class RetrainSettings:
    """The table `[retrain]`."""

    labels: int = setting(
        200,
        Remark("new answers told by people that are a reason to train again", "人们给出多少新答案就该重新训练"),
        minimum=1,
    )
    fewest_labels: int = setting(
        50, Remark("new answers below which nothing is a reason", "新答案少于此数时，任何理由都不算"), minimum=1
    )
    drift: bool = setting(
        True, Remark("whether drift in what was answered last is a reason", "最近的回答发生漂移是否算理由")
    )
    days: float | None = setting(
        None, Remark("age of the champion, in days, that is a reason", "现任版本使用多少天后算理由"), above=0
    )
    accuracy_below: float | None = setting(
        None, Remark(
            "accuracy by feedback on what was answered last that is a reason, when it is surely below",
            "按反馈计算的最近准确率确实低于此值时算理由",
        ), above=0,
        maximum=1,
    )  # fmt: skip
    held_out: float = setting(
        0.2, Remark(
            "share of the answers told by people that no version learns from: by them versions are compared",
            "人们给出的答案中任何版本都不学的比例：用来比较版本",
        ),
        above=0, below=1,
    )  # fmt: skip
    margin: float = setting(
        0.01, Remark(
            "accuracy, F1, ROUGE-L or NDCG that the challenger may lose on the old test rows; of numbers the "
            "share by which its mean absolute error may be larger",
            "挑战者在旧测试行上最多可损失的准确率、F1、ROUGE-L 或 NDCG；数值任务则为平均绝对误差最多可增大的比例",
        ), minimum=0, maximum=1,
    )  # fmt: skip
    alpha: float = setting(
        0.05,
        Remark("how unlikely by chance a difference must be to count", "差别偶然出现的概率低到多少才算数"),
        above=0,
        below=1,
    )
    review: bool = setting(
        False, Remark("whether a person promotes, whatever the comparison says", "无论比较结果如何，是否都由人决定上任")
    )

    def contradictions(self) -> list[Remark]:
        """Say which settings exclude each other."""
        if self.fewest_labels > self.labels:
            return [
                Remark(
                    "retrain.fewest_labels is above retrain.labels, which then never is a reason: lower it.",
                    "retrain.fewest_labels 大于 retrain.labels，后者就永远不会成为理由：请调小。",
                )
            ]
        return []


@dataclass(frozen=True)
class Situation:
    """How a model stands.

    Args:
        new_labels: Labels told by people since it was last trained, or tried to be.
        age_days: Days since the champion was made.
        drifted: Signals of what was answered last that drifted.
        accuracy: By feedback on what was answered last; None where there is none.
    """

    new_labels: int
    age_days: float
    drifted: tuple[str, ...] = ()
    accuracy: Figure | None = None


@dataclass(frozen=True)
class Contest:
    """Champion and challenger on the same rows.

    Args:
        old: On the recipe's test rows.
        new: On rows told by people from which neither learned.
        slices: By column and value, on the test rows of a slice.
    """

    old: Comparison
    new: Comparison
    slices: Mapping[str, Mapping[str, Comparison]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        slices = {c: {v: one.to_json() for v, one in values.items()} for c, values in self.slices.items()}
        return {"old": self.old.to_json(), "new": self.new.to_json(), "slices": slices}


@dataclass(frozen=True)
class Verdict:
    """A decision, and the reasons for it.

    Args:
        yes: Whether to retrain.
        reasons: The reasons for it, finished sentences.
    """

    yes: bool
    reasons: tuple[str, ...]


def due(settings: RetrainSettings, now: Situation) -> Verdict:
    """Decide whether a model is to be trained again."""
    reasons = []
    if now.new_labels >= settings.labels:
        reasons.append(
            Remark(
                f"{now.new_labels} new labels, {settings.labels} are enough",
                f"有 {now.new_labels} 个新标签，{settings.labels} 个就够",
            )
        )
    if settings.drift and now.drifted:
        reasons.append(Remark(f"drift of {', '.join(now.drifted)}", f"{'、'.join(now.drifted)} 漂移"))
    if settings.days is not None and now.age_days >= settings.days:
        reasons.append(
            Remark(
                f"the champion is {now.age_days:.1f} days old, {settings.days:g} are allowed",
                f"现任已用 {now.age_days:.1f} 天，允许 {settings.days:g} 天",
            )
        )
    low, figure = settings.accuracy_below, now.accuracy
    if low is not None and figure is not None and figure.high is not None and figure.high < low:
        reasons.append(
            Remark(
                f"accuracy by feedback is {figure.value:.3f} (at most {figure.high:.3f}), {low:g} is wanted",
                f"按反馈计算的准确率为 {figure.value:.3f}（至多 {figure.high:.3f}），要求 {low:g}",
            )
        )
    if not reasons:
        none = Remark(
            f"no reason: {now.new_labels} new labels, {settings.labels} would be one",
            f"没有理由：有 {now.new_labels} 个新标签，达到 {settings.labels} 个才算",
        )
        return Verdict(False, (none,))
    if now.new_labels < settings.fewest_labels:
        few = Remark(
            f"but {now.new_labels} new labels teach too little, {settings.fewest_labels} are needed",
            f"但 {now.new_labels} 个新标签太少，学不到什么，至少要 {settings.fewest_labels} 个",
        )
        return Verdict(False, (*reasons, few))
    return Verdict(True, tuple(reasons))


def better(settings: RetrainSettings, contests: Mapping[str, Contest]) -> Verdict:
    """Decide whether a challenger may take the champion's place: no worse on old rows, and better on new ones.

    Of several tasks none may be worse; better is it where it is in one, by p-values that Holm (1979) corrects.

    Args:
        settings: The bounds.
        contests: By task; of one task under any name.
    """
    corrected = holm([one.new.p for one in contests.values()])
    fine, won, reasons = True, False, list[str]()
    for (task, one), p in zip(contests.items(), corrected, strict=True):
        forgot = one.old.n > 0 and (one.old.worse > settings.margin or 1 - one.old.p <= settings.alpha)
        lost = one.new.n > 0 and 1 - one.new.p <= settings.alpha
        fine, won = fine and not forgot and not lost, won or p <= settings.alpha
        said = [
            _on_old(one.old, WORSE if forgot else NOT_WORSE, settings.margin),
            _on_new(one.new, BETTER if p <= settings.alpha else WORSE if lost else NOT_SURELY),
        ]
        reasons += [joined([task, clause], ": ", "：") if task else clause for clause in said]
    return Verdict(fine and won, tuple(reasons))


UNITS_ZH = {"rows": "行", "queries": "查询"}
WORSE, NOT_WORSE = Remark("worse", "变差"), Remark("not worse", "没有变差")
BETTER, NOT_SURELY = Remark("better", "变好"), Remark("not surely better", "不能确定变好")


def _on_old(one: Comparison, fares: Remark, margin: float) -> Remark:
    figures, unit = _figures(one), UNITS_ZH[one.unit]
    return Remark(
        f"on the {one.n} old test {one.unit} it is {fares}: {figures}, {margin:g} may be lost",
        f"在 {one.n} 条旧的测试{unit}上{fares.chinese}：{figures.chinese}，允许损失 {margin:g}",
    )


def _on_new(one: Comparison, fares: Remark) -> Remark:
    figures, unit = _figures(one), UNITS_ZH[one.unit]
    return Remark(
        f"on the {one.n} new {one.unit} it is {fares}: {figures}",
        f"在 {one.n} 条新的{unit}上{fares.chinese}：{figures.chinese}",
    )


def _figures(one: Comparison) -> Remark:
    if not one.n:
        return Remark("there are none", "一个也没有")
    figures = f"{one.metric} {one.champion:.4g} → {one.challenger:.4g}"
    return Remark(
        f"{figures} (gained {one.gained}, lost {one.lost}, p = {one.p:.3g})",
        f"{figures}（新对 {one.gained}，新错 {one.lost}，p = {one.p:.3g}）",
    )
