"""The schema of a database, brought to the newest form when it is opened."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

from feilun.core.errors import StorageError
from feilun.storage.tables import REVISION

VERSION_TABLE = "feilun_schema"
"""Holds the revision; not alembic's default name, so that the database may be shared with other programs."""

LOCK = 0x6665696C756E
"""Number of the PostgreSQL lock under which one process migrates and the others wait."""


def upgrade(connection: Connection, place: str, revision: str = REVISION) -> None:
    """Bring the schema to a revision, all steps in the connection's transaction: an interrupted one leaves no trace.

    Args:
        connection: In a transaction that may write.
        place: What the database is called in messages.
        revision: The revision to reach.

    Raises:
        StorageError: If a newer Feilun wrote the database.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    found = current(connection)
    if found == revision:
        return  # alembic is imported only where there is something to do

    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "feilun.storage:migrations")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StorageError(
            f"{place} was written by a newer Feilun: its schema is {found}, this one reads up to {REVISION}.",
            "Upgrade: pip install --upgrade feilun. Nothing was changed.",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def current(connection: Connection) -> str | None:
    """Return the revision of a database's schema, None where it has none."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"select version_num from {VERSION_TABLE}")).scalar_one_or_none()  # noqa: S608
