"""What customer service knows, each of one application, as rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from feilun.storage.tables.customer_service import service_knowledge as knowledge

IMPORTED = ("import",)
"""The origin of what files hold."""

EVERY = (*IMPORTED, "candidate")
"""All origins: what people approved as well."""


@dataclass(frozen=True)
class Known:
    """An entry of the FAQ or a passage of a document, as it is kept.

    Args:
        id: Names it within its application.
        kind: `faq`, `passage`, or `variant`: a further way to ask an entry.
        origin: One of `EVERY`: what is imported goes with the next import, what was a candidate stays.
        content: Its fields.
    """

    id: str
    kind: str
    origin: str
    content: Mapping[str, Any]


def replace_knowledge(
    connection: Connection, application: str, known: Iterable[Known], origins: Collection[str] = IMPORTED
) -> None:
    """Replace all that is of some origins; the rest stays, also in the place of what has its id."""
    mine = knowledge.c.application == application
    connection.execute(delete(knowledge).where(mine, knowledge.c.origin.in_(origins)))
    staying = set(connection.scalars(select(knowledge.c.id).where(mine)))
    rows = [
        {"application": application, "id": k.id, "kind": k.kind, "origin": k.origin, "content": dict(k.content)}
        for k in known if k.id not in staying and k.origin in origins
    ]  # fmt: skip
    if rows:
        connection.execute(insert(knowledge), rows)


def put_knowledge(connection: Connection, application: str, one: Known) -> None:
    """Write an entry in the place of the one of its id."""
    connection.execute(delete(knowledge).where(knowledge.c.application == application, knowledge.c.id == one.id))
    row = {"application": application, "id": one.id, "kind": one.kind, "origin": one.origin, "content": one.content}
    connection.execute(insert(knowledge), row)


def take_back(connection: Connection, application: str, identity: str) -> bool:
    """Take out what people approved under an id; False where that was imported, or there is nothing."""
    mine = (knowledge.c.application == application, knowledge.c.id == identity, knowledge.c.origin == "candidate")
    return bool(connection.execute(delete(knowledge).where(*mine)).rowcount)


def all_knowledge(connection: Connection, application: str) -> list[Known]:
    """Return all that an application knows, by id."""
    query = select(knowledge).where(knowledge.c.application == application).order_by(knowledge.c.id)
    return [Known(row.id, row.kind, row.origin, row.content) for row in connection.execute(query)]
