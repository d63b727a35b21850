"""An insert that can say what happens where the row is there already, in the database's own words."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert


def insert_into(connection: Connection, table: Table) -> Any:
    """Return an insert into a table that has `on_conflict_do_update` and `on_conflict_do_nothing`."""
    return (postgres_insert if connection.dialect.name == "postgresql" else sqlite_insert)(table)
