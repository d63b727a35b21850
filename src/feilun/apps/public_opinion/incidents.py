"""An incident: one thing that happened, however many series it moves and however often it is told.

Alarms about the same company, or the same story, are one incident. It opens at the first, escalates when it becomes
much worse, and closes after some calm buckets; an alarm that comes soon after belongs to it still. People acknowledge
it, mute it, or close it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

State = Literal["open", "acknowledged", "muted", "closed"]
ACTIONS: Mapping[str, State] = {"acknowledge": "acknowledged", "mute": "muted", "close": "closed", "reopen": "open"}
"""What people do with an incident, and the state that follows."""

SEVERITIES = ("moderate", "high", "critical")
HIGH, CRITICAL = (4.0, 10), (8.0, 30)
"""Ratio to what was expected, and number of documents, from which on an incident is that severe."""


@dataclass(frozen=True)
class Alarm:
    """A surge of one series in one bucket.

    Args:
        rule: Name of the rule that fired.
        metric: What surged.
        topic: The series' topic; empty for all.
        entity: The series' entity; empty for all.
        bucket: The second at which the bucket begins.
        count: Documents in it.
        expected: What was expected.
        p_value: The chance of so many.
        source: The series' source; empty for all.
        region: The series' region; empty for all.
    """

    rule: str
    metric: str
    topic: str
    entity: str
    bucket: int
    count: int
    expected: float
    p_value: float
    source: str = ""
    region: str = ""

    @property
    def ratio(self) -> float:
        """Return how many times what was expected; where next to nothing was, half a document counts as expected."""
        return self.count / max(self.expected, 0.5)

    @property
    def severity(self) -> str:
        """Return how severe it is."""
        levels = [self.ratio >= ratio and self.count >= count for ratio, count in (HIGH, CRITICAL)]
        return SEVERITIES[sum(levels) if levels[0] else 0]


@dataclass(frozen=True)
class Incident:
    """What happened.

    Args:
        id: Its name; the same on every run over the same documents.
        state: What people and time made of it.
        entity: Whom it concerns; empty where nobody in particular.
        opened: The second at which its first bucket begins.
        last: The second at which its last bucket with an alarm begins.
        severity: The worst that it came to.
        peak: The alarm with the highest count.
        series: Topic and entity of the series that rose, in the order in which they did.
        stories: Keys of the stories that are told.
        cause: What moved the numbers, see `cause.py`.
        history: What became of it: time, action, actor.
    """

    id: str
    state: State
    entity: str
    opened: int
    last: int
    severity: str
    peak: Alarm
    series: tuple[tuple[str, str], ...]
    stories: tuple[str, ...]
    cause: Mapping[str, Any]
    history: tuple[tuple[float, str, str], ...] = field(default=())

    @property
    def title(self) -> str:
        """Return the title of the story that is told most."""
        stories: Sequence[Mapping[str, Any]] = self.cause.get("stories", ())
        return str(stories[0]["title"]) if stories else self.entity or self.peak.topic

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {**asdict(self), "title": self.title}

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> Incident:
        """Read what `to_json` wrote."""
        values = {name: value for name, value in table.items() if name != "title"}
        pairs = {name: tuple(tuple(one) for one in values[name]) for name in ("series", "history")}
        return cls(**{**values, **pairs, "peak": Alarm(**values["peak"]), "stories": tuple(values["stories"])})


def opened_by(alarm: Alarm, entity: str, stories: Sequence[str], cause: Mapping[str, Any]) -> Incident:
    """Open an incident."""
    named = f"{alarm.metric}\0{entity}\0{alarm.topic}\0{alarm.bucket}"
    named += "".join(f"\0{part}" for part in (alarm.source, alarm.region) if part)
    identity = hashlib.sha256(named.encode("utf-8", "replace")).hexdigest()[:12]
    return Incident(
        identity, "open", entity, alarm.bucket, alarm.bucket, alarm.severity, alarm,
        ((alarm.topic, alarm.entity),), tuple(stories), cause, ((float(alarm.bucket), "opened", "feilun"),),
    )  # fmt: skip


def joined_by(incident: Incident, alarm: Alarm, stories: Sequence[str], cause: Mapping[str, Any]) -> Incident:
    """Let an alarm join an incident; one that makes it more severe escalates it.

    One that was closed opens again, muted where it was when time closed it: who muted it is not to be told of it.
    """
    worse = SEVERITIES.index(alarm.severity) > SEVERITIES.index(incident.severity)
    history = incident.history
    state = incident.state
    if state == "closed":
        state = "muted" if _asked(history) == "mute" else "open"
        history = (*history, (float(alarm.bucket), "reopened", "feilun"))
    if worse:
        history = (*history, (float(alarm.bucket), f"escalated to {alarm.severity}", "feilun"))
        state = "open" if state == "acknowledged" else state
    return replace(
        incident, state=state, last=max(incident.last, alarm.bucket), history=history, cause=cause,
        severity=alarm.severity if worse else incident.severity,
        peak=alarm if alarm.count > incident.peak.count else incident.peak,
        series=tuple(dict.fromkeys([*incident.series, (alarm.topic, alarm.entity)])),
        stories=tuple(dict.fromkeys([*incident.stories, *stories])),
    )  # fmt: skip


def _asked(history: Sequence[tuple[float, str, str]]) -> str:
    """Return what a person did with an incident last; empty where nobody did anything."""
    return next((action for _, action, _ in reversed(history) if action in ACTIONS), "")


def acted_on(incident: Incident, action: str, actor: str, time: float) -> Incident:
    """Let somebody acknowledge, mute, close or reopen an incident.

    Raises:
        KeyError: If there is no such action.
    """
    return replace(incident, state=ACTIONS[action], history=(*incident.history, (time, action, actor)))


def closed_after(incident: Incident, bucket: int) -> Incident:
    """Close an incident that has been calm."""
    return replace(incident, state="closed", history=(*incident.history, (float(bucket), "closed", "feilun")))
