"""Watches the numbers bucket by bucket as the stream's own time passes, and turns surges into incidents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from feilun.apps.public_opinion.cause import Backgrounds, cause, documents_of, leading_entity
from feilun.apps.public_opinion.incidents import Alarm, Incident, closed_after, joined_by, opened_by
from feilun.apps.public_opinion.rules import DEFAULT, Rule, Scope
from feilun.apps.public_opinion.series import Numbers, Series
from feilun.apps.public_opinion.trends import bucket_of
from feilun.core.settings import setting
from feilun.monitoring.surge import Surges, SurgeSettings
from feilun.monitoring.trading_days import TradingDays
from feilun.storage import opinion, opinion_counts
from feilun.storage.database import Database

JUDGED = "judged"
READ_AT_ONCE = 500
"""Buckets whose numbers are read at once."""

FALLOW_SECONDS = 60 * 86_400
"""After so long without any document what is expected is learned anew: one of years ago tells nothing of today."""

JUDGED_AT_ONCE = 4
"""Buckets that are judged in one transaction: who pushes documents meanwhile waits no longer than that."""


@dataclass(frozen=True)
class IncidentSettings:
    """How alarms become incidents; a table `[incidents]`."""

    calm_hours: float = setting(24.0, "hours without an alarm after which an incident closes", above=0)
    cool_down_hours: float = setting(72.0, "hours after it closed in which an alarm still belongs to it", minimum=0)
    share_rise: float = setting(1.2, "times the usual negative share that a negative surge must reach", minimum=0)


class Watch:
    """Judges each bucket once, when the watermark has passed its end.

    Args:
        width: Seconds of a bucket.
        rules: What deserves an alarm.
        surge: How surges are looked for.
        incidents: How alarms become incidents.
        calendar: Tells hours, days, and those without trading.
        markets: Where entities are traded, by name, for those whose holidays are that market's alone.
        aliases: Other names of all entities of the list, by name: what an incident is about is told without them.
    """

    def __init__(
        self,
        width: int,
        rules: Sequence[Rule] = DEFAULT,
        surge: SurgeSettings | None = None,
        incidents: IncidentSettings | None = None,
        calendar: TradingDays | None = None,
        markets: Mapping[str, str] | None = None,
        aliases: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.width = width
        self.rules = tuple(rules)
        self.settings = incidents or IncidentSettings()
        self._calendar = calendar or TradingDays()
        self._markets = dict(markets or {})
        self._aliases = dict(aliases or {})
        self._listed = None if aliases is None else frozenset(aliases)
        self.incidents: dict[str, Incident] = {}
        self._surge = surge
        self._next: int | None = None
        self._spoken: int | None = None
        self._forget()

    def _forget(self) -> None:
        # a scope is judged by itself: what is counted elsewhere is not among the many chances of a false alarm
        self._scopes = {
            scope: Series.new(self.width, self._surge, self._listed) for rule in self.rules for scope in rule.scopes
        }

    def resume(self, database: Database) -> None:
        """Learn from what was judged before, and take up its incidents."""
        with database.read() as connection:
            judged = opinion.position(connection, JUDGED)
            if judged is not None:
                self._pass(connection, judged, judging=False)
            stored = [Incident.from_json(row.facts) for row in opinion.incidents(connection)]
        self.incidents = {one.id: one for one in stored}

    def advance(self, database: Database, watermark: float) -> list[Incident]:
        """Judge all buckets that ended before the watermark, some at once, and save their incidents.

        What people did with an incident meanwhile stays.

        Returns:
            The incidents that changed.
        """
        with database.read() as connection:
            self._begin(connection)
        found: dict[str, Incident] = {}
        while self._next is not None and watermark >= self._next + self.width:
            with database.write() as connection:
                for row in opinion.incidents(connection):
                    self.incidents[row.id] = Incident.from_json(row.facts)
                for incident in self.look(connection, watermark, JUDGED_AT_ONCE):
                    opinion.save_incident(connection, incident.id, incident.state, incident.opened, incident.to_json())
                    found[incident.id] = incident
                opinion.save_position(connection, JUDGED, self._next)
        return list(found.values())

    def look(self, connection: Connection, watermark: float, most: int | None = None) -> list[Incident]:
        """Judge all buckets that ended before the watermark; nothing is saved.

        Args:
            connection: A transaction.
            watermark: The stream's own time.
            most: Judge no more than so many buckets, those not counted before which nothing was said for long.

        Returns:
            The incidents that changed.
        """
        if watermark == float("-inf"):
            return []
        before = dict(self.incidents)
        end = bucket_of(watermark, self.width)
        self._pass_over(connection, end, judging=True)
        until = end if most is None or self._next is None else min(end, self._next + most * self.width)
        self._pass(connection, until, judging=True)
        return [one for identity, one in self.incidents.items() if before.get(identity) != one]

    def _pass(self, connection: Connection, end: int, judging: bool) -> None:
        """Go on to the bucket that begins at `end`, that one not included."""
        self._pass_over(connection, end, judging)
        while self._next is not None and self._next < end:
            until = min(end, self._next + min(READ_AT_ONCE * self.width, FALLOW_SECONDS))
            counted = {
                scope: series.by_bucket(
                    opinion_counts.counts(connection, since=self._next, until=until, source=scope[0], region=scope[1])
                )
                for scope, series in self._scopes.items()
            }
            for bucket in range(self._next, until, self.width):
                self._bucket(
                    connection, bucket, {scope: one.get(bucket, ()) for scope, one in counted.items()}, judging
                )
            last = opinion_counts.last_bucket(connection, self._next, until)
            self._spoken = self._spoken if last is None else last
            self._next = until
            self._pass_over(connection, end, judging)

    def _pass_over(self, connection: Connection, end: int, judging: bool) -> None:
        """Where nothing is said for long, go on to where something is, at most to `end`, and learn anew."""
        self._begin(connection)
        if self._next is None or self._spoken is None:
            return
        following = opinion_counts.next_bucket(connection, self._next)
        following = end if following is None else following
        if self._next < end and following - self._spoken >= FALLOW_SECONDS:
            if judging:
                self._calm(min(following, self._spoken + self.width + round(self.settings.calm_hours * 3600)))
            self._next = min(end, following)
            self._forget()

    def _begin(self, connection: Connection) -> None:
        """Stand before the first bucket, where there is one and none was judged yet."""
        first = opinion.span(connection)[0] if self._next is None else None
        if first is not None:
            self._next = bucket_of(first, self.width)

    def _bucket(
        self, connection: Connection, bucket: int, found: Mapping[Scope, Sequence[Numbers]], judging: bool
    ) -> None:
        local, rest = self._calendar.local(bucket), self._rest(bucket)
        alarms = []
        for scope, series in self._scopes.items():
            counts, surges = series.step(local, found[scope], self._resting(series, rest))
            alarms += self._alarms(scope, bucket, counts, surges) if judging else []
        if not judging:
            return
        backgrounds = Backgrounds(connection, self._aliases)
        for alarm in sorted(alarms, key=lambda one: (one.p_value, one.topic, one.entity, one.source, one.region)):
            self._take(connection, alarm, backgrounds)
        self._calm(bucket)

    def _rest(self, bucket: int) -> Mapping[str, float]:
        """Return how much of the day each market rests; empty where none does."""
        rests = {market: self._calendar.rest(bucket, market) for market in {"", *self._markets.values()}}
        return rests if any(rests.values()) else {}

    def _resting(self, series: Series, rests: Mapping[str, float]) -> NDArray[np.float64] | None:
        """Return how much of the day each series rests; None where none does."""
        if not rests:
            return None
        return np.array([rests[self._markets.get(entity, "")] for _, entity in series.numbers])

    def _alarms(
        self, scope: Scope, bucket: int, counts: Mapping[str, NDArray[np.int64]], surges: Mapping[str, Surges]
    ) -> list[Alarm]:
        """Return what the rules say of a bucket."""
        names = list(self._scopes[scope].numbers)
        found = []
        for rule in self.rules:
            if scope not in rule.scopes:
                continue
            surge = surges[rule.metric]
            values = counts[rule.metric]
            fires = surge.alarms & (surge.p_values <= rule.p_value) & (values >= rule.minimum)
            for number in np.flatnonzero(fires).tolist():
                if not rule.covers(*names[number]):
                    continue
                if rule.metric == "negative" and not self._share_rose(number, counts, surges):
                    continue
                expected, p_value = float(surge.expected[number]), float(surge.p_values[number])
                count = int(values[number])
                found.append(Alarm(rule.name, rule.metric, *names[number], bucket, count, expected, p_value, *scope))
        return found

    def _share_rose(self, number: int, counts: Mapping[str, NDArray[np.int64]], surges: Mapping[str, Surges]) -> bool:
        """Return whether more of what is said is negative than usual, not only more is said."""
        share = counts["negative"][number] / max(1, counts["documents"][number])
        usual = surges["negative"].expected[number] / max(surges["documents"].expected[number], 1e-9)
        return bool(share >= min(0.9, self.settings.share_rise * usual))

    def _take(self, connection: Connection, alarm: Alarm, backgrounds: Backgrounds) -> None:
        """Find the incident that an alarm belongs to, or open one."""
        until = alarm.bucket + self.width
        rows = documents_of(
            connection, alarm.bucket, until, alarm.topic, alarm.entity, alarm.metric == "negative",
            alarm.source, alarm.region,
        )  # fmt: skip
        entity = alarm.entity or leading_entity(rows)
        told = cause(connection, rows, alarm.bucket, backgrounds)
        stories = [story["story"] for story in told["stories"]]
        incident = self._same(connection, alarm, entity, stories)
        if incident is None:
            incident = opened_by(alarm, entity, stories, told)
        else:
            since = incident.opened
            names = incident.peak if incident.peak.count >= alarm.count else alarm
            rows = documents_of(
                connection, since, until, "" if incident.entity else names.topic, incident.entity,
                alarm.metric == "negative", names.source, names.region,
            )  # fmt: skip
            incident = joined_by(incident, alarm, stories, cause(connection, rows, since, backgrounds))
        self.incidents[incident.id] = incident

    def _same(self, connection: Connection, alarm: Alarm, entity: str, stories: Sequence[str]) -> Incident | None:
        """Return the running or just closed incident of the same company, or else of the same story."""
        patience = (self.settings.calm_hours + self.settings.cool_down_hours) * 3600
        running = [one for one in self.incidents.values() if alarm.bucket - one.last <= patience]
        running.sort(key=lambda one: (-one.last, one.id))
        by_entity = [one for one in running if entity and one.entity == entity]
        told = opinion.known(connection, sorted({story for one in running for story in one.stories}))
        # a story may have been merged into another one since
        by_story = [
            one for one in running
            if not set(stories[:1]).isdisjoint(told[story][1] for story in one.stories if story in told)
        ]  # fmt: skip
        by_topic = [one for one in running if not entity and not one.entity and (alarm.topic, "") in one.series]
        return next(iter([*by_entity, *by_story, *by_topic]), None)

    def _calm(self, bucket: int) -> None:
        for identity, incident in self.incidents.items():
            if incident.state != "closed" and bucket - incident.last >= self.settings.calm_hours * 3600:
                self.incidents[identity] = closed_after(incident, bucket)
