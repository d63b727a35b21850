"""Read by alembic: the migrations run on the connection, and in the transaction, that `upgrade` holds."""

from __future__ import annotations

from alembic import context

from feilun.storage.tables.every import metadata
from feilun.storage.upgrade import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE
)
context.run_migrations()
