"""Documents that were pushed over HTTP: they wait in the database until they are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from feilun.apps.public_opinion.document import Form
from feilun.apps.public_opinion.sources.source import Batch
from feilun.storage import opinion_inbox
from feilun.storage.database import Database

READ_AT_ONCE = 500


class Inbox:
    """The queue of what was pushed.

    Args:
        database: Holds it.
        form: How its records are read.
    """

    name = "push"

    def __init__(self, database: Database, form: Form | None = None) -> None:
        self.database = database
        self.form = form or Form()

    def read(self, position: Any) -> Iterator[Batch]:
        """Yield what was pushed after a position; what stands before it is taken out of the queue."""
        after = int(position or 0)
        while True:
            with self.database.write() as connection:
                opinion_inbox.remove(connection, after)
                rows = opinion_inbox.after(connection, after, READ_AT_ONCE)
            if rows:
                after = rows[-1].sequence
                records = tuple((f"push {row.sequence}", {"source": row.source, **row.record}) for row in rows)
                yield Batch(records, after)
            if len(rows) < READ_AT_ONCE:
                return  # what comes meanwhile gathers: a transaction for each handful would keep out who pushes
