"""The index of the words of documents, another thing on each database: FTS5 of SQLite, a tsvector on PostgreSQL.

Neither is a table that SQLAlchemy describes: each is made by its own statements, right after the tables.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, MetaData, event

from feilun.storage.tables.schema import metadata

MADE_BY = {
    # contentless: the documents have the texts, and their terms are worked out again where they leave
    "sqlite": ["create virtual table opinion_words using fts5(terms, content='', columnsize=0, tokenize='ascii')"],
    "postgresql": [
        "create table opinion_words (number bigint primary key, terms tsvector not null)",
        "create index opinion_words_by_term on opinion_words using gin (terms)",
    ],
}


@event.listens_for(metadata, "after_create")
def _make_index(_: MetaData, connection: Connection, **_told: Any) -> None:
    for statement in MADE_BY[connection.dialect.name]:
        connection.exec_driver_sql(statement)
