"""What an operator does: acts on incidents and puts right what documents were found to say."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from feilun.apps.public_opinion import trends
from feilun.apps.public_opinion.incidents import ACTIONS, Incident, acted_on
from feilun.apps.public_opinion.understanding import Analysis
from feilun.apps.public_opinion.wording import SENTIMENTS
from feilun.core.errors import UsageError, nearest
from feilun.storage import opinion
from feilun.workflow.applications.public_opinion import Application


def listed(application: Application) -> list[Incident]:
    """Return all incidents, the earliest first."""
    with application.database.read() as connection:
        return [Incident.from_json(row.facts) for row in opinion.incidents(connection)]


def act(application: Application, identity: str, action: str, actor: str) -> Incident:
    """Acknowledge, mute, close or reopen an incident.

    Raises:
        UsageError: If there is no such incident or action.
    """
    if action not in ACTIONS:
        raise UsageError(f"Nobody can {action!r} an incident.", nearest(action, ACTIONS))
    with application.database.write() as connection:
        stored = {row.id: Incident.from_json(row.facts) for row in opinion.incidents(connection)}
        if identity not in stored:
            known = nearest(identity, stored) if stored else "There is none at all."
            raise UsageError(f"There is no incident {identity!r}.", known)
        changed = acted_on(stored[identity], action, actor, time.time())
        opinion.save_incident(connection, identity, changed.state, changed.opened, changed.to_json())
    return changed


def correct(
    application: Application, key: str, *, sentiment: str | None, topics: Sequence[str] | None, actor: str
) -> dict[str, Any]:
    """Put right what a document says; the numbers follow in the same transaction.

    Args:
        application: It.
        key: The document's key.
        sentiment: The right sentiment; None leaves it.
        topics: The right topics; None leaves them.
        actor: Who says so.

    Returns:
        The document's key with what was said before and is said now.

    Raises:
        UsageError: If there is no such document, sentiment or topic, or nothing is to be changed.
    """
    if sentiment is None and topics is None:
        raise UsageError("Nothing is to be corrected.", "Give --sentiment or --topic.")
    if sentiment is not None and sentiment not in SENTIMENTS:
        raise UsageError(f"There is no sentiment {sentiment!r}.", nearest(sentiment, SENTIMENTS))
    for topic in topics or ():
        if topic not in application.scheme.names:
            raise UsageError(f"There is no topic {topic!r}.", nearest(topic, application.scheme.names))
    with application.database.write() as connection:
        rows = list(opinion.documents(connection, keys=[key]))
        if not rows:
            raise UsageError(f"There is no document {key!r}.", "The report and its JSON name the keys.")
        before = trends.counted(rows[0])
        said = before.analysis
        told = said.sentiment if sentiment is None else sentiment
        # where one entity is named, the document's sentiment is its own
        entities = tuple((name, told) for name, _ in said.entities) if len(said.entities) == 1 else said.entities
        after = replace(
            said, sentiment=told, score=1.0, entities=entities, topics=said.topics if topics is None else tuple(topics)
        )
        opinion.correct(connection, rows[0].key, after.to_json(), rows[0].story, actor)
        _recount(connection, application.width, before, after)
    return {"document": rows[0].key, "before": asdict(said), "after": asdict(after)}


def _recount(connection: Any, width: int, before: trends.Counted, after: Analysis) -> None:
    opinion.count(connection, trends.cells([before], width, sign=-1))
    opinion.count(connection, trends.cells([replace(before, analysis=after)], width))
