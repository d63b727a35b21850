"""Databases of a real PostgreSQL server."""

from __future__ import annotations

import uuid

import sqlalchemy


def made_database(server: str, like: str = "template1") -> str:
    """Make a database on a server, an empty one or like another one there, and return its address.

    Copying its files costs a sixth of what logging each of its blocks costs, where nothing is synced.
    """
    name = f"t{uuid.uuid4().hex}"
    _run(server, f"create database {name} template {like} strategy file_copy")
    return sqlalchemy.make_url(server).set(database=name).render_as_string(hide_password=False)


def without_fsync(server: str) -> None:
    """Let a server for tests skip what only a power cut needs: its end would else write all databases to the disk."""
    _run(server, "alter system set fsync = off", "alter system set full_page_writes = off", "select pg_reload_conf()")


def _run(server: str, *statements: str) -> None:
    engine = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
