"""What `run` does again and again: all sources are read once, the numbers watched, and incidents sent."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from feilun.apps.public_opinion.incidents import Incident
from feilun.apps.public_opinion.intake import Taken
from feilun.apps.public_opinion.sources.aside import Aside
from feilun.apps.public_opinion.sources.feed import Feed
from feilun.apps.public_opinion.sources.query import SqlQuery
from feilun.apps.public_opinion.sources.source import Source
from feilun.apps.public_opinion.summary import headline, summary
from feilun.apps.public_opinion.watch import Watch
from feilun.core.errors import DataError
from feilun.monitoring.alerts import Alerts, Message

if TYPE_CHECKING:
    from feilun.workflow.applications.public_opinion.wiring import Application

log = logging.getLogger(__name__)

ROUND_SECONDS = 1.0
"""After how long the numbers are watched although a source has more."""

REST_SECONDS = 30.0
"""After how long a source that failed is asked again."""


class Rounds:
    """Reads all sources once and judges what they brought, again and again.

    Args:
        application: The wired application.
        alerts: Tell people.
        follow: What is read goes on growing; a source that fails rests.
    """

    def __init__(self, application: Application, alerts: Alerts, follow: bool) -> None:
        self.application = application
        self.alerts = alerts
        self.follow = follow
        self.intake = application.intake()
        self._watch: Watch | None = None
        self._resting: dict[str, float] = {}
        # apart from each other, so that databases that hang leave the feeds their threads
        self._aside: dict[type[Source], Aside] = {Feed: Aside(), SqlQuery: Aside()}

    def once(self, finish: bool) -> tuple[Taken, list[Incident]]:
        """Take in what there is, and return what that was and which incidents changed.

        Args:
            finish: Judge the last buckets too.

        Raises:
            StorageError: If the database refuses; the next round takes in and judges what this one did not.
            DataError: If a source fails, unless it follows.
        """
        application, intake = self.application, self.intake
        watch = self._watch or self._resumed()
        taken = Taken()
        for source in application.sources(whole=not self.follow):
            taken += self._take(source)
        ahead = intake.lateness + application.width if finish else 0
        self._watch = None  # what was judged and could not be written is judged anew
        changed = watch.advance(application.database, intake.watermark + ahead)
        _send(self.alerts, application, changed)
        self._watch = watch
        intake.retain()
        return taken, changed

    def _resumed(self) -> Watch:
        """Learn from what was judged before, and tell of what is open: who was told it is not told again."""
        watch = self.application.watch()
        watch.resume(self.application.database)
        _send(self.alerts, self.application, list(watch.incidents.values()))
        return watch

    def _take(self, source: Source) -> Taken:
        if not self.follow:
            return self.intake.take(source)
        if self._resting.get(source.name, 0.0) > time.monotonic():
            return Taken()
        try:
            return self.intake.take(self._beside(source), ROUND_SECONDS)
        except DataError as error:
            log.error("%s It is asked again in %g s; other sources go on.", error, REST_SECONDS)
            self._resting[source.name] = time.monotonic() + REST_SECONDS
            return Taken()

    def _beside(self, source: Source) -> Source:
        """Return a source as it is read while others go on: one of another machine on a thread of its own."""
        return self._aside[type(source)].of(source) if isinstance(source, Feed | SqlQuery) else source


def _send(alerts: Alerts, application: Application, changed: list[Incident]) -> None:
    """Tell channels of incidents that are open, again where one became more severe; muted ones are not told."""
    if not alerts.channels:
        return
    rules = {rule.name: rule for rule in application.rules}
    hour = time.gmtime().tm_hour
    for incident in changed:
        rule = rules.get(incident.peak.rule)
        if incident.state != "open" or (rule and rule.hours and hour not in rule.hours):
            continue
        language = application.settings.fixed_language
        told = headline(incident, language), summary(incident, language)
        message = Message(f"{incident.id}:{incident.severity}", *told)
        alerts.tell(message, rule.channels if rule else ())
