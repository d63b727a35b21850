"""What `feilun monitor` and /metrics show: how a model fares in service, window by window."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.bundles.bundle import Bundle
from feilun.bundles.content import read_table
from feilun.core.errors import UsageError
from feilun.core.observation import Observation, asked_about
from feilun.core.remark import Remark, joined, said_in
from feilun.core.report import Figure
from feilun.monitoring.answer_signals import Watched, watched
from feilun.monitoring.drift import ALPHA, FEWEST_ROWS, STATES, Drift, drift
from feilun.monitoring.performance import FEWEST_ROWS as FEWEST_FOR_ESTIMATE
from feilun.monitoring.performance import Observed, estimated_accuracy, observed
from feilun.monitoring.reference import Reference, read_reference
from feilun.monitoring.sample import Sample, sample_of
from feilun.monitoring.signals import Numbers, Values
from feilun.storage import observations
from feilun.storage.database import Database
from feilun.workflow.profile import unknown_shares

HOUR = 3600.0
NO_REFERENCE = Remark(
    "this bundle remembers no validation rows to compare with: those made since Feilun watches its task do; train it "
    "again to watch for drift",
    "这个模型包没有记下可供比较的验证行：飞轮开始监控它的任务之后做的才有；要看漂移，请重新训练",
)
LARGEST_WINDOW = 5000
"""Most predictions of a window in hours that are looked at, the last ones."""


@dataclass(frozen=True)
class Span:
    """Which predictions a window holds: the last so many, or those of the last hours.

    Args:
        count: Predictions, or None.
        hours: Hours, or None.
    """

    count: int | None = None
    hours: float | None = None

    @property
    def name(self) -> str:
        """Return what the window is called."""
        if self.count is not None:
            return Remark(f"last {self.count:,}", f"最近 {self.count:,} 个")
        return Remark(f"last {self.hours:g} h", f"最近 {self.hours:g} 小时")


SPANS = (Span(count=200), Span(count=1000), Span(hours=24), Span(hours=24 * 7))


@dataclass(frozen=True)
class Window:
    """How a model fared in a window.

    Args:
        name: What the window is called.
        rows: Predictions in it.
        since: Time of the earliest, seconds since 1970; None where there is none.
        until: Time of the latest.
        latency: Seconds to the prediction: median and 95th percentile; None where there is none.
        labels: Share of the predictions with each label, largest first.
        values: 5th percentile, median and 95th percentile of the predicted numbers, by their names.
        abstained: Share of the predictions that were left to a person.
        drift: Comparison with the validation rows; None where it cannot be made.
        estimated: Accuracy as estimated without labels; None where it cannot be.
        observed: What feedback says.
        note: Why there is no verdict, or what else is to be known; empty where there is nothing.
    """

    name: str
    rows: int
    since: float | None
    until: float | None
    latency: tuple[float, float] | None
    labels: dict[str, float]
    values: dict[str, list[float]]
    abstained: float
    drift: Drift | None
    estimated: Figure | None
    observed: Observed
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        return {
            "window": self.name,
            "n": self.rows,
            "since": self.since,
            "until": self.until,
            "latency": None if self.latency is None else {"p50": self.latency[0], "p95": self.latency[1]},
            "labels": self.labels,
            "values": self.values,
            "abstained": self.abstained,
            "drift": None if self.drift is None else self.drift.to_json(),
            "estimated_accuracy": _figure(self.estimated),
            "observed_accuracy": _figure(self.observed.accuracy),
            "feedback": {
                "labelled": self.observed.labelled, "right": self.observed.right, "refused": self.observed.refused,
                "conflicting": self.observed.conflicting,
                "figures": {name: _figure(figure) for name, figure in self.observed.figures.items()},
            },
            "note": self.note,
        }  # fmt: skip


def _figure(figure: Figure | None) -> dict[str, float | None] | None:
    return None if figure is None else {"value": figure.value, "low": figure.low, "high": figure.high}


def watch(
    bundle: Bundle,
    database: Database,
    spans: Sequence[Span] = SPANS,
    *,
    alpha: float = ALPHA,
    states: bool = True,
    now: float | None = None,
) -> list[Window]:
    """Look at what a bundle answered.

    Args:
        bundle: It; only what this version answered is looked at.
        database: Where its observations are.
        spans: The windows.
        alpha: Chance of a false alarm in a window without drift.
        states: Also compare pooled states, for which the texts are run through the model again.
        now: Seconds since 1970; None is now.

    Returns:
        The windows, in the order of the spans.

    Raises:
        UsageError: If this version was never observed; what was is named.
        StorageError: If the database refuses.
    """
    now = time.time() if now is None else now
    with database.read() as connection:
        found = [
            observations.latest(
                connection, bundle.name, version=bundle.version,
                count=span.count if span.count is not None else LARGEST_WINDOW,
                since=None if span.hours is None else now - span.hours * HOUR,
            )
            for span in spans
        ]  # fmt: skip
        if not any(found) and not observations.latest(connection, bundle.name, version=bundle.version, count=1):
            raise UsageError(_never_observed(bundle, observations.bundles(connection)))
    reference = read_reference(read_table(bundle.path, "profile.json"))
    read = _States(bundle, reference) if states and reference is not None and len(reference.states) else None
    return [_window(span, rows, bundle, reference, alpha, read) for span, rows in zip(spans, found, strict=True)]


def _never_observed(bundle: Bundle, bundles: Sequence[str]) -> str:
    some = Remark(f"Observed were: {', '.join(bundles)}.", f"观测过的有：{'、'.join(bundles)}。")
    seen = some if bundles else Remark("Nothing was observed yet in this database.", "这个数据库里还没有任何观测。")
    name = f"{bundle.name}@{bundle.version}"
    return Remark(
        f"{name} was never observed. {seen} `feilun serve` observes what it answers.",
        f"{name} 从未被观测过。{seen.chinese}`feilun serve` 会记下它的回答。",
    )


def _window(
    span: Span,
    rows: list[Observation],
    bundle: Bundle,
    reference: Reference | None,
    alpha: float,
    states: _States | None,
) -> Window:
    times, waits = [row.time for row in rows], [row.latency for row in rows]
    looked = watched(asked_about(rows, bundle.columns), [row.prediction for row in rows])
    signals = looked.signals
    verdict = None
    if reference is not None and len(looked.rows) >= FEWEST_ROWS:
        seen = [rows[row] for row in looked.rows]
        verdict = drift(reference, _sample(seen, signals, bundle, states), alpha=alpha)
    return Window(
        span.name,
        len(rows),
        min(times, default=None),
        max(times, default=None),
        (float(np.quantile(waits, 0.5)), float(np.quantile(waits, 0.95))) if waits else None,
        looked.shares(),
        looked.quantiles(0.05, 0.5, 0.95),
        sum(bool(row.prediction.get("abstained")) for row in rows) / max(1, len(rows)),
        verdict,
        _estimated(reference, signals.get("scores")),
        observed(rows),
        NO_REFERENCE if reference is None else _note(looked, len(rows), reference),
    )


def _note(looked: Watched, rows: int, reference: Reference) -> Remark:
    """Say why there is no verdict on drift or no estimate, and what is looked at where some predictions are not."""
    said, seen = [], len(looked.rows)
    if seen < FEWEST_ROWS:
        said.append(Remark(f"a verdict on drift takes {FEWEST_ROWS} predictions", f"判断漂移需要 {FEWEST_ROWS} 个预测"))
    if seen < rows:
        said.append(
            Remark(
                f"{seen} of {rows} are looked at for drift: {looked.which}",
                f"判断漂移时看了 {rows} 个中的 {seen} 个：{said_in('zh', looked.which)}",
            )
        )
    known, least = reference.sample.signals.get("scores"), FEWEST_FOR_ESTIMATE
    if isinstance(known, Numbers) and len(known.values) < least:
        has = len(known.values)
        said.append(
            Remark(
                f"an estimate of accuracy takes {least} validation rows, and this bundle remembers {has}",
                f"估计准确率需要 {least} 条验证行，而这个模型包只记得 {has} 条",
            )
        )
    return joined(said)


def _estimated(reference: Reference | None, scores: Values | None) -> Figure | None:
    """Estimate the accuracy, where the answers have scores and the reference too."""
    known = None if reference is None else reference.sample.signals.get("scores")
    if reference is None or not isinstance(known, Numbers) or not isinstance(scores, Numbers):
        return None
    return estimated_accuracy(known.values, reference.correct, scores.values)


class _States:
    """Pooled states of observations, reduced; what several windows hold is run through the model once.

    Args:
        bundle: The model.
        reference: Reduces them.
    """

    def __init__(self, bundle: Bundle, reference: Reference) -> None:
        self._bundle, self._reference = bundle, reference
        self._known: dict[str, NDArray[np.float32]] = {}

    def of(self, rows: Sequence[Observation]) -> NDArray[np.float32]:
        """Return the states of observations, shape (rows, dimensions)."""
        new = [one for one in rows if one.id not in self._known]
        if new:
            reduced = self._reference.reduce(self._bundle.predictor.embed(asked_about(new, self._bundle.columns)))
            self._known |= {one.id: own for one, own in zip(new, reduced, strict=True)}
        return np.stack([self._known[one.id] for one in rows])


def _sample(rows: list[Observation], said: Mapping[str, Values], bundle: Bundle, states: _States | None) -> Sample:
    corpus, runtime = asked_about(rows, bundle.columns), bundle.predictor
    reduced = None if states is None else states.of(rows[-STATES:])
    return sample_of(corpus, said, unknown_shares(runtime, corpus), reduced, runtime.features)
