"""The schema of a database, brought to the newest form when it is opened.

An empty database gets today's tables in one go; one of an older Feilun goes through the migrations that it lacks. A
test holds the two ways to one result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, text

from feilun.core.errors import StorageError
from feilun.core.remark import Remark
from feilun.storage.tables.every import metadata
from feilun.storage.tables.schema import REVISION

if TYPE_CHECKING:
    from alembic.config import Config

VERSION_TABLE = "feilun_schema"
"""Holds the revision; not alembic's default name, so that the database may be shared with other programs."""

VERSION = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))
"""As alembic makes it, and apart from the tables that migrations are compared with."""

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

    if found is None and revision == REVISION:
        _make_anew(connection)
        return

    refuse_newer(found, place)

    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _make_anew(connection: Connection) -> None:
    """Make the tables as they are today: fifteen migrations take ten times as long."""
    metadata.create_all(connection, checkfirst=False)
    VERSION.create(connection, checkfirst=True)
    connection.execute(VERSION.insert().values(version_num=REVISION))


def refuse_newer(revision: str | None, place: str) -> None:
    """Refuse a revision that this Feilun does not know.

    Args:
        revision: What a database holds.
        place: What the database is called in the message.

    Raises:
        StorageError: If a newer Feilun wrote it.
    """
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if revision is not None and revision not in known:
        raise StorageError(
            Remark(
                f"{place} was written by a newer Feilun: its schema is {revision}, this one reads up to {REVISION}.",
                f"{place} 由更新的飞轮写成：其结构为 {revision}，这个版本最多读到 {REVISION}。",
            ),
            Remark(
                "Upgrade: pip install --upgrade feilun. Nothing was changed.",
                "请升级：pip install --upgrade feilun。什么也没有改动。",
            ),
        )


def current(connection: Connection) -> str | None:
    """Return the revision of a database's schema, None where it has none."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"select version_num from {VERSION_TABLE}")).scalar_one_or_none()  # noqa: S608


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "feilun.storage:migrations")
    return config
