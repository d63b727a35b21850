"""What was taken in before regions were united: documents, words and numbers follow to what a region is called now."""

from __future__ import annotations

from sqlalchemy import Connection

from feilun.apps.public_opinion import words
from feilun.apps.public_opinion.regions import region_name
from feilun.storage import opinion, opinion_counts, opinion_words
from feilun.storage.database import Database


def unite_regions(database: Database) -> None:
    """Let documents and numbers from before regions were united belong to what their region is called now.

    Args:
        database: Holds them; nobody else takes documents in meanwhile.
    """
    with database.read() as connection:
        others = [name for name in opinion_counts.regions(connection) if region_name(name) != name]
    for name in others:
        with database.write() as connection:
            _rename(connection, name, region_name(name))


def _rename(connection: Connection, region: str, name: str) -> None:
    rows = list(opinion.documents(connection, region=region, lock=True))
    opinion_words.remove(connection, map(words.of_row, rows))
    opinion.call_region(connection, region, name)
    opinion_words.add(connection, map(words.of_row, opinion.in_order(connection, [row.sequence for row in rows])))
    opinion_counts.call_region(connection, region, name)
