"""Documents of public opinion with their numbers over time: what is written together is there together, once."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, func, select

from feilun.storage.inserts import insert_into
from feilun.storage.tables.public_opinion import (
    opinion_corrections,
    opinion_dead_letters,
    opinion_documents,
    opinion_incidents,
    opinion_positions,
)

ASKED_AT_ONCE = 500
DAY = 86_400.0

LONGEST_SOURCE = 200
"""Characters of the name of a source that are kept with a dead letter."""

ITSELF = "feilun"
"""The actor of what Feilun put right by itself."""


def known(connection: Connection, keys: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return content and story of those documents that are there already, by key."""
    found: dict[str, tuple[str, str]] = {}
    columns = (opinion_documents.c.key, opinion_documents.c.content, opinion_documents.c.story)
    for start in range(0, len(keys), ASKED_AT_ONCE):
        query = select(*columns).where(opinion_documents.c.key.in_(keys[start : start + ASKED_AT_ONCE]))
        found |= {row.key: (row.content, row.story) for row in connection.execute(query)}
    return found


def add(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Write documents and return the keys of those that were not there before, each with its sequence number."""
    if not rows:
        return {}
    insert = insert_into(connection, opinion_documents).on_conflict_do_nothing(index_elements=["key"])
    table = opinion_documents.c
    return {
        row.key: row.sequence for row in connection.execute(insert.returning(table.key, table.sequence), list(rows))
    }


def documents(
    connection: Connection, *, since: float | None = None, until: float | None = None,
    keys: Sequence[str] | None = None, story: str | None = None, source: str | None = None, region: str | None = None,
    after: int | None = None, limit: int | None = None,
    written: bool = False, lock: bool = False,
) -> Iterator[Row[Any]]:  # fmt: skip
    """Yield documents by the time when they were published, or in the order in which they were written.

    Args:
        connection: A transaction.
        since: Only from this second on.
        until: Only before it.
        keys: Only these.
        story: Only of this story.
        source: Only of this source.
        region: Only of this region.
        after: Only those that were written after the one of this sequence number.
        limit: Only the first so many.
        written: In the order of writing.
        lock: Nobody else may change them before the transaction ends.
    """
    table = opinion_documents.c
    query = select(opinion_documents)
    query = query if since is None else query.where(table.published >= since)
    query = query if until is None else query.where(table.published < until)
    query = query if keys is None else query.where(table.key.in_(keys))
    query = query if story is None else query.where(table.story == story)
    query = query if source is None else query.where(table.source == source)
    query = query if region is None else query.where(table.region == region)
    query = query if after is None else query.where(table.sequence > after)
    query = query.with_for_update() if lock else query
    order = (table.sequence,) if written else (table.published, table.sequence)
    yield from connection.execute(query.order_by(*order).limit(limit))


def latest(connection: Connection, *, since: float | None = None, until: float | None = None) -> Iterator[Row[Any]]:
    """Yield documents, the latest first, without holding all.

    Args:
        connection: A transaction.
        since: Only from this second on.
        until: Only before it.
    """
    table = opinion_documents.c
    query = select(opinion_documents)
    query = query if since is None else query.where(table.published >= since)
    query = query if until is None else query.where(table.published < until)
    query = query.order_by(table.published.desc(), table.sequence.desc()).execution_options(yield_per=ASKED_AT_ONCE)
    yield from connection.execute(query)


def in_order(connection: Connection, numbers: Iterable[int]) -> Iterator[Row[Any]]:
    """Yield the documents of sequence numbers in the order of these, without holding all; unknown ones are passed over.

    Args:
        connection: A transaction.
        numbers: They.
    """
    rest = iter(numbers)
    while piece := list(islice(rest, ASKED_AT_ONCE)):
        query = select(opinion_documents).where(opinion_documents.c.sequence.in_(piece))
        found = {row.sequence: row for row in connection.execute(query)}
        yield from (found[number] for number in piece if number in found)


def correct(connection: Connection, key: str, analysis: Mapping[str, Any], story: str, actor: str) -> None:
    """Put an analysis in the place of a document's own, and keep both."""
    row = connection.execute(select(opinion_documents).where(opinion_documents.c.key == key)).one()
    before = {"analysis": row.analysis, "story": row.story}
    after = {"analysis": dict(analysis), "story": story}
    change = {"document": key, "time": time.time(), "actor": actor, "before": before, "after": after}
    connection.execute(opinion_corrections.insert(), change)
    values = {"analysis": dict(analysis), "sentiment": analysis["sentiment"], "story": story}
    connection.execute(opinion_documents.update().where(opinion_documents.c.key == key).values(**values))


def merge(connection: Connection, story: str, into: str) -> Row[Any] | None:
    """Let all documents of a story belong to another one, and keep which they were.

    Returns:
        The document that began the story; None where it is not there.
    """
    rows = list(documents(connection, story=story, lock=True))
    if not rows:
        return None
    changes = [
        {"document": row.key, "time": time.time(), "actor": ITSELF,
         "before": {"analysis": row.analysis, "story": story}, "after": {"analysis": row.analysis, "story": into}}
        for row in rows
    ]  # fmt: skip
    connection.execute(opinion_corrections.insert(), changes)
    connection.execute(opinion_documents.update().where(opinion_documents.c.story == story).values(story=into))
    return next((row for row in rows if row.key == story), None)


def call_region(connection: Connection, region: str, name: str) -> None:
    """Give the documents of a region another name of it."""
    table = opinion_documents
    connection.execute(table.update().where(table.c.region == region).values(region=name))


def begun(connection: Connection, stories: Sequence[str]) -> dict[str, float]:
    """Return when the first document of each story was published, by story."""
    found: dict[str, float] = {}
    columns = (opinion_documents.c.key, opinion_documents.c.published)
    for start in range(0, len(stories), ASKED_AT_ONCE):
        query = select(*columns).where(opinion_documents.c.key.in_(stories[start : start + ASKED_AT_ONCE]))
        found |= {row.key: row.published for row in connection.execute(query)}
    return found


def corrections(connection: Connection, after: int = 0) -> Sequence[Row[Any]]:
    """Return all corrections by people in their order, those behind a sequence number."""
    table = opinion_corrections.c
    query = select(opinion_corrections).where(table.sequence > after, table.actor != ITSELF)
    return connection.execute(query.order_by(table.sequence)).all()


def last_correction(connection: Connection) -> int:
    """Return the sequence number of the last correction; 0 where there is none."""
    return int(connection.execute(select(func.max(opinion_corrections.c.sequence))).scalar() or 0)


def totals(connection: Connection) -> tuple[int, float | None, float | None]:
    """Return how many documents there are, and the times of the first and the last."""
    published = opinion_documents.c.published
    number, first, last = connection.execute(select(func.count(), func.min(published), func.max(published))).one()
    return int(number), first, last


def span(connection: Connection) -> tuple[float | None, float | None]:
    """Return the times of the first and the last document."""
    published = opinion_documents.c.published
    ends = [
        select(end(published)).scalar_subquery() for end in (func.min, func.max)
    ]  # each alone is read off the index
    first, last = connection.execute(select(*ends)).one()
    return first, last


def since_days(connection: Connection, days: float | None) -> float | None:
    """Return the second from which the last days are counted, back from the last document; None takes all."""
    last = span(connection)[1]
    return None if days is None or last is None else last - days * DAY


def position(connection: Connection, name: str) -> Any:
    """Return a saved position; None where there is none."""
    query = select(opinion_positions.c.position).where(opinion_positions.c.name == name)
    return connection.execute(query).scalar_one_or_none()


def save_position(connection: Connection, name: str, value: Any) -> None:
    """Save a position."""
    insert = insert_into(connection, opinion_positions).values(name=name, position=value)
    connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_={"position": value}))


def bury(connection: Connection, source: str, letters: Iterable[tuple[str, str, Mapping[str, Any]]]) -> None:
    """Keep records that are no documents, each once: where it stood, the reason, the record."""
    rows = []
    for place, reason, record in letters:
        named = json.dumps([source, place, record], ensure_ascii=True, sort_keys=True, default=str)
        identity = hashlib.sha256(named.encode()).hexdigest()[:32]
        rows.append({
            "id": identity, "time": time.time(), "source": source[:LONGEST_SOURCE], "place": place, "reason": reason,
            "record": dict(record),
        })  # fmt: skip
    if rows:
        connection.execute(
            insert_into(connection, opinion_dead_letters).on_conflict_do_nothing(index_elements=["id"]), rows
        )


def dead_letters(connection: Connection) -> Sequence[Row[Any]]:
    """Return all dead letters, the earliest first."""
    return connection.execute(
        select(opinion_dead_letters).order_by(opinion_dead_letters.c.time, opinion_dead_letters.c.place)
    ).all()


def raise_dead(connection: Connection, identities: Sequence[str]) -> None:
    """Take dead letters out that became documents."""
    connection.execute(opinion_dead_letters.delete().where(opinion_dead_letters.c.id.in_(identities)))


def save_incident(connection: Connection, identity: str, state: str, opened: float, facts: Mapping[str, Any]) -> None:
    """Write an incident as it is now."""
    values = {"state": state, "opened": opened, "changed": time.time(), "facts": dict(facts)}
    insert = insert_into(connection, opinion_incidents).values(id=identity, **values)
    connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=values))


def incidents(connection: Connection) -> Sequence[Row[Any]]:
    """Return all incidents, the earliest first."""
    return connection.execute(
        select(opinion_incidents).order_by(opinion_incidents.c.opened, opinion_incidents.c.id)
    ).all()
