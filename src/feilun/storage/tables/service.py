"""What is predicted and said of it, who may ask, what was done, and what waits to be sent: tables of every service."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Double, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from feilun.storage.tables.schema import Sequence, metadata

observations = Table(
    "observations",
    metadata,
    Column("sequence", Sequence, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("time", Double, nullable=False),
    Column("model", String(200), nullable=False),
    Column("version", String(80), nullable=False),
    Column("text", Text, nullable=False),
    Column("prediction", JSON, nullable=False),
    Column("latency", Double, nullable=False),
    Column("pair", Text),
    Column("features", JSON(none_as_null=True)),
    Index("observations_of_model", "model", "sequence"),
    Index("observations_by_time", "model", "time"),
    sqlite_autoincrement=True,
)

feedback = Table(
    "feedback",
    metadata,
    Column("sequence", Sequence, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("observation", String(64), ForeignKey("observations.id", ondelete="CASCADE"), nullable=False),
    Column("time", Double, nullable=False),
    Column("correct", Boolean),
    Column("text", Text),
    Column("key", String(200)),
    Column("answer", JSON(none_as_null=True)),
    UniqueConstraint("observation", "key", name="feedback_key"),
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("time", Double, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", String(80), nullable=False),
    Column("details", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("scopes", String(80), nullable=False),
    Column("created", Double, nullable=False),
    Column("revoked", Double),
    Column("application", String(80)),
)

locks = Table(
    "locks",
    metadata,
    Column("name", String(300), primary_key=True),
    Column("machine", Text, nullable=False),
    Column("process", Integer, nullable=False),
    Column("token", String(32), nullable=False),
    Column("beat", Double, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("sequence", Sequence, primary_key=True, autoincrement=True),
    Column("key", String(200), nullable=False),
    Column("channel", String(80), nullable=False),
    Column("time", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text),
    Column("title", Text, nullable=False, server_default=""),
    Column("body", Text, nullable=False, server_default=""),
    Column("due", Double),
    UniqueConstraint("key", "channel", name="delivery_once"),
    sqlite_autoincrement=True,
)
"""Notifications by what they tell and the channel that they go to; due while they wait, without error once arrived."""
