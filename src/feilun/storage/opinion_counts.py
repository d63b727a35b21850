"""Numbers of public opinion over time, by bucket and by day: whole numbers that documents are added to once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Table, delete, func, literal, select

from feilun.storage.inserts import insert_into
from feilun.storage.tables.public_opinion import opinion_counts, opinion_daily_counts

Cell = tuple[int, str, str, str, str]
"""Bucket, topic, entity, source and region of a row of numbers."""

KEYS = ("bucket", "topic", "entity", "source", "region")

FIGURES = ("documents", "positive", "negative", "stories")
DAY = 86_400
WEEK = 7 * DAY
MONDAY = 4 * DAY
"""The first one after the beginning of 1970, UTC."""


def count(connection: Connection, numbers: Mapping[Cell, Sequence[int]]) -> None:
    """Add whole numbers to cells, and to those of their day.

    Args:
        connection: In the transaction that writes the documents they count.
        numbers: By cell what to add of documents, positive, negative and stories.
    """
    days: dict[Cell, list[int]] = {}
    for (bucket, topic, entity, source, region), added in numbers.items():
        of_day = days.setdefault((bucket - bucket % DAY, topic, entity, source, region), [0] * len(FIGURES))
        for place, value in enumerate(added):
            of_day[place] += value
    _add(connection, opinion_counts, numbers)
    _add(connection, opinion_daily_counts, days)


def forget_counts(connection: Connection, since: int | None = None) -> None:
    """Remove all numbers, or those from the day on that begins at a second, to be counted anew."""
    for table in (opinion_counts, opinion_daily_counts):
        removed = delete(table)
        connection.execute(removed if since is None else removed.where(table.c.bucket >= since))


def counts(
    connection: Connection, *, since: float | None = None, until: float | None = None,
    topic: str | None = None, entity: str | None = None, source: str = "", region: str = "",
) -> Sequence[Row[Any]]:  # fmt: skip
    """Return rows of numbers in the order of bucket, topic and entity.

    Args:
        connection: A transaction.
        since: Only buckets from this second on.
        until: Only buckets before it.
        topic: Only of this topic; None takes each, "" the row of all topics together.
        entity: Likewise.
        source: Likewise; "" are all sources together.
        region: Likewise; "" are all regions together, and documents of none.
    """
    which = {"topic": topic, "entity": entity, "source": source, "region": region}
    return _rows(connection, opinion_counts, since, until, which)


def call_region(connection: Connection, region: str, name: str) -> None:
    """Add the numbers of a region to those of another name of it."""
    for table in (opinion_counts, opinion_daily_counts):
        columns = [literal(name).label("region") if key == "region" else table.c[key] for key in KEYS]
        figures = [table.c[figure] for figure in FIGURES]
        rows = select(*columns, *figures).where(table.c.region == region)
        connection.execute(_adding(connection, table).from_select([*KEYS, *FIGURES], rows))
        connection.execute(delete(table).where(table.c.region == region))


def next_bucket(connection: Connection, since: int) -> int | None:
    """Return the first bucket from a second on in which something was counted; None where there is none."""
    bucket = opinion_counts.c.bucket
    found: int | None = connection.execute(select(func.min(bucket)).where(bucket >= since)).scalar_one()
    return found


def last_bucket(connection: Connection, since: int, until: int) -> int | None:
    """Return the last bucket of a time in which something was counted; None where there is none."""
    bucket = opinion_counts.c.bucket
    query = select(func.max(bucket)).where(bucket >= since, bucket < until)
    found: int | None = connection.execute(query).scalar_one()
    return found


def earliest_day(connection: Connection) -> int | None:
    """Return the second at which the first day begins in which something was counted; None where there is none."""
    table = opinion_daily_counts.c
    everything = (table.source == "") & (table.region == "") & (table.topic == "")
    found: int | None = connection.execute(select(func.min(table.bucket)).where(everything)).scalar_one()
    return found


def regions(connection: Connection) -> list[str]:
    """Return the regions of which something was counted, in their order."""
    return _names(connection, opinion_daily_counts.c.region, opinion_daily_counts.c.source == "")


def sources(connection: Connection) -> list[str]:
    """Return the sources of which something was counted, in their order."""
    return _names(connection, opinion_daily_counts.c.source)


def _names(connection: Connection, column: Column[str], *where: ColumnElement[bool]) -> list[str]:
    found: list[str] = []
    last: str | None = ""
    while last is not None:  # each is the next in the index, so that not all rows are read
        last = connection.execute(select(func.min(column)).where(*where, column > last)).scalar_one()
        found += [] if last is None else [last]
    return found


def daily_counts(
    connection: Connection, *, since: float | None = None, until: float | None = None,
    topic: str | None = None, entity: str | None = None, source: str = "", region: str = "", weeks: bool = False,
) -> list[Row[Any]]:  # fmt: skip
    """Return rows of numbers by day, as `counts` does; of a day that is asked for in part, those of its buckets.

    Where `weeks` is set, the days of a week are added up by the database, under the second at which its Monday begins.
    """
    which = {"topic": topic, "entity": entity, "source": source, "region": region}
    first = None if since is None else -(-since // DAY) * DAY
    end = None if until is None else until // DAY * DAY
    rows = list(_rows(connection, opinion_daily_counts, first, end, which, weeks=weeks))
    if since is not None and first is not None and since < first:
        rows += _rows(connection, opinion_counts, since, first, which)
    if until is not None and end is not None and end < until:
        rows += _rows(connection, opinion_counts, end, until, which)
    return rows


def _rows(
    connection: Connection, table: Table, since: float | None, until: float | None, which: Mapping[str, str | None],
    *, weeks: bool = False,
) -> Sequence[Row[Any]]:  # fmt: skip
    names, figures = (table.c.topic, table.c.entity), [table.c[name] for name in FIGURES]
    query = select(table.c.bucket, *names, *figures).order_by(table.c.bucket, *names)
    if weeks:
        monday = table.c.bucket - (table.c.bucket - MONDAY) % WEEK
        query = select(monday.label("bucket"), *names, *(func.sum(one).label(one.name) for one in figures))
        query = query.group_by(*names, monday)
    if table is opinion_counts and which["entity"] is None:
        # expressions, for the index of sources and entities would read all times
        query = query.where(*(table.c[name].concat("") == which[name] for name in ("source", "region")))
        which = {"topic": which["topic"]}
    for name, wanted in which.items():
        query = query if wanted is None else query.where(table.c[name] == wanted)
    query = query if since is None else query.where(table.c.bucket >= since)
    query = query if until is None else query.where(table.c.bucket < until)
    return connection.execute(query).all()


def _add(connection: Connection, table: Table, numbers: Mapping[Cell, Sequence[int]]) -> None:
    rows = [
        dict(zip((*KEYS, *FIGURES), (*cell, *added), strict=True)) for cell, added in sorted(numbers.items())
    ]  # fmt: skip
    if not rows:
        return
    connection.execute(_adding(connection, table), rows)


def _adding(connection: Connection, table: Table) -> Any:
    """Return what inserts rows, adding the figures of each to those of the row of its keys."""
    insert = insert_into(connection, table)
    more = {name: table.c[name] + insert.excluded[name] for name in FIGURES}
    return insert.on_conflict_do_update(index_elements=KEYS, set_=more)
