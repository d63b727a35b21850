"""The report on a time: what happened, why, and what to watch, every number with the latest documents behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from feilun.apps.public_opinion.cause import documents_of
from feilun.apps.public_opinion.emergent import Emergent, find_emergent
from feilun.apps.public_opinion.incidents import Incident
from feilun.apps.public_opinion.queries import Question, search
from feilun.apps.public_opinion.regions import region_name
from feilun.apps.public_opinion.rules import Scope
from feilun.apps.public_opinion.summary import summary
from feilun.apps.public_opinion.trends import SIDES, Name, Trend, bucket_of, trends, trends_by
from feilun.storage import opinion

SHOWN = 12
EMERGENT_DAYS = 7.0
"""The last days of a report in which themes beside the topics are looked for."""

LISTED = 200
"""Documents of an incident, an entity or a topic that are listed."""


@dataclass(frozen=True)
class Report:
    """What a time brought.

    Args:
        since: Its first second.
        until: The second behind its last one.
        width: Seconds of a bucket.
        total: Numbers of all documents over time; None where there is none.
        entities: Numbers of the entities that were spoken of most.
        topics: Numbers of the topics that were spoken of most.
        incidents: Incidents that opened in it.
        documents: The documents of each incident, by its id.
        sources: Numbers of the sources that wrote most.
        regions: Numbers of the regions from which most was written; none where documents tell no region.
        behind: The latest documents of each of these series, by its name.
        titles: What topics are called.
        emergent: Themes of its last days that no topic takes.
        scope: The source and the region that it is about; an empty one stands for all together.
    """

    since: float
    until: float
    width: int
    total: Trend | None
    entities: tuple[Trend, ...]
    topics: tuple[Trend, ...]
    incidents: tuple[Incident, ...]
    documents: Mapping[str, Sequence[Any]]
    sources: tuple[Trend, ...]
    regions: tuple[Trend, ...]
    behind: Mapping[Name, Sequence[Mapping[str, Any]]]
    titles: Mapping[str, str]
    emergent: Emergent
    scope: Scope = ("", "")

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        everything = 0 if self.total is None else int(self.total.documents.sum())
        return {
            "since": day_of(self.since), "until": day_of(self.until), "source": self.scope[0], "region": self.scope[1],
            "documents": everything,
            **{
                name: [self._told(one, everything) for one in getattr(self, name)]
                for name in ("entities", "topics", "sources", "regions")
            },
            "incidents": [
                {**one.to_json(), "summary": summary(one), "documents": [row.key for row in self.documents[one.id]]}
                for one in self.incidents
            ],
            "watch": [one.entity for one in self.to_watch()], "emergent": self.emergent.to_json(),
        }  # fmt: skip

    def _told(self, trend: Trend, everything: int) -> dict[str, Any]:
        keys = [document["key"] for document in self.behind[trend.name]]
        return {**trend.summary(everything), "latest": keys}

    def to_watch(self) -> list[Trend]:
        """Return the entities of which more than half of what is said is bad, and of which ever more is said."""
        return [one for one in self.entities if one.negative_share > 0.5 and one.momentum > 0]


def make_report(
    connection: Connection,
    width: int,
    titles: Mapping[str, str],
    since: float | None = None,
    until: float | None = None,
    source: str = "",
    region: str = "",
) -> Report:
    """Gather what a time brought.

    Args:
        connection: A transaction.
        width: Seconds of a bucket.
        titles: What topics are called.
        since: From the bucket of this second on; else from the first document.
        until: Before this one; else to the last document.
        source: What this source alone brought; empty takes all.
        region: What was written in this region alone, likewise.
    """
    region = region_name(region)
    scope: dict[str, Any] = {"source": source, "region": region}
    first, last = opinion.span(connection)
    begin = float(bucket_of(since if since is not None else first or 0.0, width))
    end = until if until is not None else (last or 0.0) + 1
    scope |= {"since": begin, "until": end}
    total = trends(connection, width, topic="", entity="", **scope)
    shown = {side: tuple(trends_by(connection, width, side, **scope)[:SHOWN]) for side in SIDES}
    behind = {
        one.name: search(connection, _question(one, begin, end), LISTED) for found in shown.values() for one in found
    }
    stored = [Incident.from_json(row.facts) for row in opinion.incidents(connection)]
    documents = {
        one.id: incident_documents(connection, one, width, source, region)
        for one in stored
        if begin - width < one.opened < end
    }
    return Report(
        begin, end, width, total[0] if total else None, shown["entity"], shown["topic"],
        tuple(one for one in stored if documents.get(one.id)), documents, shown["source"], shown["region"], behind,
        titles, find_emergent(connection, EMERGENT_DAYS, end, source, region), (source, region),
    )  # fmt: skip


def _question(trend: Trend, since: float, until: float) -> Question:
    """Return what asks for the documents of a series."""
    topic, entity, source, region = trend.name
    return Question("", entity, topic, "", source, region, since, until)


def incident_documents(
    connection: Connection, incident: Incident, width: int, source: str = "", region: str = ""
) -> list[Any]:
    """Return the documents that an incident counts, or those of them of a source and a region."""
    topic = "" if incident.entity else incident.peak.topic
    until = incident.last + width
    peak = incident.peak
    rows = documents_of(
        connection, incident.opened, until, topic, incident.entity, peak.metric == "negative",
        peak.source, peak.region,
    )  # fmt: skip
    return [row for row in rows if source in {"", row.source} and region in {"", row.region}]


def day_of(seconds: float) -> str:
    """Write a day, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
