"""Alarms about a served model: opened once, over only when all is well again, and followed by a rest.

What was opened, and when it was over, stands in the audit log; so it survives the process, and `feilun monitor` may be
run by a timer. Notifications wait in the database until they are sent.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from feilun.core.remark import Language, Remark, joined, said_in
from feilun.monitoring.alerts import Alerts, Message, Send, apprise_channel
from feilun.storage import audit
from feilun.storage.database import Database
from feilun.workflow.loop.monitor import Window

HOUR = 3600.0
ACTION = "alarm"


@dataclass(frozen=True)
class AlarmRules:
    """What opens an alarm, and what ends it.

    Args:
        accuracy_below: Accuracy by feedback that opens one when it is surely below, by its 95 % interval; the alarm is
            over once the accuracy itself is not below. None opens none.
        calm: Drift is over once no p-value is below so many times the level at which it is found.
        rest_hours: How long after its end an alarm is not opened again.
    """

    accuracy_below: float | None = None
    calm: float = 5.0
    rest_hours: float = 24.0


@dataclass(frozen=True)
class Alarm:
    """An alarm that was opened, or is over.

    Args:
        model: name@version.
        rule: drift or accuracy.
        opened: Whether it was opened; else it is over.
        reason: Why, in words.
    """

    model: str
    rule: str
    opened: bool
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        return {"model": self.model, "alarm": self.rule, "opened": self.opened, "reason": self.reason}


def sound(
    model: str,
    window: Window,
    rules: AlarmRules,
    alerts: Alerts,
    *,
    now: float | None = None,
    language: Language = "en",
) -> list[Alarm]:
    """Open alarms, and end those that are over; each change is told once, and noted in the audit log.

    Args:
        model: name@version.
        window: How it fared lately. What this says nothing of stays as it is.
        rules: What opens an alarm.
        alerts: Tells people.
        now: Seconds since 1970; None is now.
        language: That of what people are told.

    Returns:
        What changed.

    Raises:
        StorageError: If the database refuses.
    """
    now, changed = time.time() if now is None else now, list[Alarm]()
    for rule, wrong, well, reason in (*_drift(window, rules), *_accuracy(window, rules)):
        with alerts.database.read() as connection:
            last = audit.last(connection, ACTION, model=model, rule=rule) or {"opened": False, "at": 0.0}
        rested = not 0 <= now - last["at"] < rules.rest_hours * HOUR
        if not (well if last["opened"] else wrong and rested):
            continue
        alarm = Alarm(model, rule, not last["opened"], reason)
        # told before it is noted, under a name that follows from what was noted last: once, whenever the process dies
        told = said_in(language, _title(alarm)), said_in(language, reason)
        alerts.tell(Message(f"{model} {rule} {last['at']}", *told))
        with alerts.database.write() as connection:
            audit.record(connection, ACTION, model=model, rule=rule, opened=alarm.opened, at=now, reason=reason)
        changed.append(alarm)
    return changed


def channels_of(addresses: Sequence[str]) -> dict[str, Send]:
    """Return what sends to addresses of apprise, by names that hold no secret.

    Raises:
        MissingExtra: If apprise is not installed.
        UsageError: If an address is none.
    """
    return {_name(address): apprise_channel(address) for address in addresses}


def tell(
    model: str,
    window: Window,
    rules: AlarmRules,
    database: Database,
    addresses: Sequence[str],
    language: Language = "en",
) -> list[Alarm]:
    """Open and end alarms as `sound` does, and send what is due; what cannot be sent waits for the next time."""
    with Alerts(database, channels_of(addresses)) as alerts:
        return sound(model, window, rules, alerts, language=language)


Found = tuple[str, bool, bool, str]
"""A rule, whether it is broken, whether all is well by it, and why."""


def _drift(window: Window, rules: AlarmRules) -> list[Found]:
    if window.drift is None:
        return []
    worst = min((one.p_value for one in window.drift.signals), default=1.0)
    drifted = [
        joined([f"{one.name} (p = {one.p_value:.3f})", *([one.change] if one.change else [])], " ", " ")
        for one in window.drift.signals
        if one.drifted
    ]
    none = Remark(f"no signal drifts any more (p = {worst:.3f})", f"不再有信号漂移（p = {worst:.3f}）")
    reason = joined([window.name, joined(drifted) or none], ": ", "：")
    return [("drift", window.drift.drifted, worst >= min(0.5, rules.calm * window.drift.alpha), reason)]


def _accuracy(window: Window, rules: AlarmRules) -> list[Found]:
    figure, below = window.observed.accuracy, rules.accuracy_below
    if figure is None or figure.high is None or below is None:
        return []
    name, value, high = window.name, f"{figure.value:.3f}", f"{figure.high:.3f}"
    reason = Remark(
        f"{name}: accuracy by feedback {value} (at most {high}), {below:g} is wanted",
        f"{said_in('zh', name)}：按反馈计算的准确率为 {value}（至多 {high}），要求 {below:g}",
    )
    return [("accuracy", figure.high < below, figure.value >= below, reason)]


def _title(alarm: Alarm) -> Remark:
    chinese = {"drift": "漂移", "accuracy": "准确率"}[alarm.rule]
    over = Remark("", "") if alarm.opened else Remark(" over", "解除")
    return Remark(f"{alarm.model}: {alarm.rule} alarm{over}", f"{alarm.model}：{chinese}告警{over.chinese}")


def _name(address: str) -> str:
    return f"{address.partition('://')[0][:20]} {hashlib.sha256(address.encode()).hexdigest()[:8]}"
