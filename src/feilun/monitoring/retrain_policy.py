"""When a model is to be trained again, and whether what came out may take its place; workflow does the training."""

from __future__ import annotations

from dataclasses import dataclass

from feilun.core.report import Figure
from feilun.core.settings import setting
from feilun.evaluation.paired import Comparison


@dataclass(frozen=True)
class RetrainSettings:
    """The table `[retrain]`."""

    labels: int = setting(200, "new answers told by people that are a reason to train again", minimum=1)
    fewest_labels: int = setting(50, "new answers below which nothing is a reason", minimum=1)
    drift: bool = setting(True, "whether drift in what was answered last is a reason")
    days: float | None = setting(None, "age of the champion, in days, that is a reason", above=0)
    accuracy_below: float | None = setting(
        None, "accuracy by feedback on what was answered last that is a reason, when it is surely below", above=0,
        maximum=1,
    )  # fmt: skip
    held_out: float = setting(
        0.2, "share of the answers told by people that no version learns from: by them versions are compared",
        above=0, below=1,
    )  # fmt: skip
    margin: float = setting(
        0.01, "accuracy, F1 or NDCG that the challenger may lose on the old test rows; of numbers the share by which its "
        "mean absolute error may be larger", minimum=0, maximum=1,
    )  # fmt: skip
    alpha: float = setting(0.05, "how unlikely by chance a difference must be to count", above=0, below=1)
    review: bool = setting(False, "whether a person promotes, whatever the comparison says")

    def contradictions(self) -> list[str]:
        """Say which settings exclude each other."""
        if self.fewest_labels > self.labels:
            return ["retrain.fewest_labels is above retrain.labels, which then never is a reason: lower it."]
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
class Verdict:
    """A decision and why, finished sentences.

    Args:
        yes: It.
        reasons: Why.
    """

    yes: bool
    reasons: tuple[str, ...]


def due(settings: RetrainSettings, now: Situation) -> Verdict:
    """Decide whether a model is to be trained again."""
    reasons = []
    if now.new_labels >= settings.labels:
        reasons.append(f"{now.new_labels} new labels, {settings.labels} are enough")
    if settings.drift and now.drifted:
        reasons.append(f"drift of {', '.join(now.drifted)}")
    if settings.days is not None and now.age_days >= settings.days:
        reasons.append(f"the champion is {now.age_days:.1f} days old, {settings.days:g} are allowed")
    low, figure = settings.accuracy_below, now.accuracy
    if low is not None and figure is not None and figure.high is not None and figure.high < low:
        reasons.append(f"accuracy by feedback is {figure.value:.3f} (at most {figure.high:.3f}), {low:g} is wanted")
    if not reasons:
        return Verdict(False, (f"no reason: {now.new_labels} new labels, {settings.labels} would be one",))
    if now.new_labels < settings.fewest_labels:
        few = f"but {now.new_labels} new labels teach too little, {settings.fewest_labels} are needed"
        return Verdict(False, (*reasons, few))
    return Verdict(True, tuple(reasons))


def better(settings: RetrainSettings, old: Comparison, new: Comparison) -> Verdict:
    """Decide whether a challenger may take the champion's place: no worse on old rows, and better on new ones.

    Args:
        settings: The bounds.
        old: On the recipe's test rows.
        new: On labels told by people from which neither learned.
    """
    forgot = old.n > 0 and (old.worse > settings.margin or 1 - old.p <= settings.alpha)
    won = new.p <= settings.alpha
    return Verdict(
        not forgot and won,
        (
            f"on the {old.n} old test {old.unit} it is {'worse' if forgot else 'not worse'}: {_figures(old)}, "
            f"{settings.margin:g} may be lost",
            f"on the {new.n} new {new.unit} it is {'better' if won else 'not surely better'}: {_figures(new)}",
        ),
    )


def _figures(one: Comparison) -> str:
    if not one.n:
        return "there are none"
    figures = f"{one.metric} {one.champion:.4g} → {one.challenger:.4g}"
    return f"{figures} (gained {one.gained}, lost {one.lost}, p = {one.p:.3g})"
