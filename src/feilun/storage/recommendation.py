"""Items, interactions and rankings as rows; each application has its own by its name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from feilun.storage import audit
from feilun.storage.tables.recommendation import recommendation_interactions as interactions
from feilun.storage.tables.recommendation import recommendation_items as items
from feilun.storage.tables.recommendation import recommendation_rankings as rankings

LOOKED_UP = 500
"""Ids that are looked up at once: SQLite bounds the parameters of a statement."""

READ_AT_ONCE = 10_000

# made once: building a statement takes longer than running it
INSERT_INTERACTIONS = {
    dialect: insert(interactions)
    .on_conflict_do_nothing(index_elements=["application", "id"])
    .returning(interactions.c.id)
    for dialect, insert in (("sqlite", sqlite_insert), ("postgresql", postgres_insert))
}
INSERT_RANKINGS = rankings.insert()
ISSUED = select(rankings.c.id).where(
    rankings.c.application == bindparam("application"), rankings.c.id.in_(bindparam("some", expanding=True))
)

Row = Mapping[str, Any]


def put_items(connection: Connection, application: str, rows: Mapping[str, Row]) -> None:
    """Write items by their ids; one that is there already is replaced."""
    if not rows:
        return
    insert = _insert(connection, items)
    statement = insert.on_conflict_do_update(index_elements=["application", "id"], set_={"item": insert.excluded.item})
    connection.execute(
        statement, [{"application": application, "id": key, "item": dict(row)} for key, row in rows.items()]
    )


def all_items(connection: Connection, application: str) -> list[Row]:
    """Return all items, by id."""
    query = select(items.c.item).where(items.c.application == application).order_by(items.c.id)
    return [dict(row.item) for row in connection.execute(query)]


def add_interactions(connection: Connection, application: str, rows: Sequence[Row]) -> set[str]:
    """Write interactions; one whose id is there already, or came before in the list, is left out.

    Args:
        connection: In a transaction that may write.
        application: Name of the application.
        rows: id, user, item, type, value, time and ranking of each.

    Returns:
        The ids of those that are new.
    """
    fresh = {row["id"]: {**row, "application": application} for row in reversed(rows)}
    if not fresh:
        return set()
    statement = INSERT_INTERACTIONS[connection.dialect.name]
    return set(connection.execute(statement, list(reversed(fresh.values()))).scalars())


def all_interactions(connection: Connection, application: str, item: str | None = None) -> Iterator[Row]:
    """Give interactions in the order in which they were written; only those with an item, where one is named.

    They are read a part at a time, so that a million of them are never there as rows at once.
    """
    query = select(interactions).where(interactions.c.application == application)
    if item is not None:
        query = query.where(interactions.c.item == item)
    for row in connection.execute(query.order_by(interactions.c.sequence).execution_options(yield_per=READ_AT_ONCE)):
        yield dict(row._mapping)


def add_rankings(connection: Connection, application: str, rows: Sequence[Row]) -> None:
    """Write rankings that are shown; the context of one, where it has any, lies beside its items."""
    if rows:
        connection.execute(INSERT_RANKINGS, [{**_with_context(row), "application": application} for row in rows])


def _with_context(row: Row) -> Row:
    context = row.get("context")
    written = {name: value for name, value in row.items() if name != "context"}
    return {**written, "items": {"items": row["items"], "context": context}} if context else written


def _apart(row: Row) -> Row:
    """Return a ranking as it was given: items and context each by themselves."""
    items = row["items"]
    return {**row, **items} if isinstance(items, dict) else {**row, "context": {}}


def all_rankings(connection: Connection, application: str) -> list[Row]:
    """Return rankings in the order in which they were shown."""
    query = select(rankings).where(rankings.c.application == application).order_by(rankings.c.sequence)
    return [_apart(dict(row._mapping)) for row in connection.execute(query)]


def issued(connection: Connection, application: str, identities: Collection[str]) -> set[str]:
    """Return which of some rankings were issued."""
    found: set[str] = set()
    names = list(identities)
    for start in range(0, len(names), LOOKED_UP):
        asked = {"application": application, "some": names[start : start + LOOKED_UP]}
        found.update(connection.execute(ISSUED, asked).scalars())
    return found


def holdings(connection: Connection, application: str) -> dict[str, int]:
    """Return how many items, interactions and rankings there are."""
    tables = {"items": items, "interactions": interactions, "rankings": rankings}
    return {
        name: int(
            connection.execute(
                select(func.count()).select_from(table).where(table.c.application == application)
            ).scalar_one()
        )
        for name, table in tables.items()
    }


def forget_user(connection: Connection, application: str, user: str) -> dict[str, int]:
    """Delete all that a user did and was shown, noted in the audit log without the user's name.

    Returns:
        How many rows went, by table.
    """
    gone = {}
    for name, table in (("interactions", interactions), ("rankings", rankings)):
        mine = (table.c.application == application) & (table.c.user == user)
        gone[name] = connection.execute(table.delete().where(mine)).rowcount
    audit.record(connection, "forget user", application=application,
        interactions=gone["interactions"], rankings=gone["rankings"])  # fmt: skip
    return gone


def _insert(connection: Connection, table: Table) -> Any:
    insert = postgres_insert if connection.dialect.name == "postgresql" else sqlite_insert
    return insert(table)
