"""The tables as they are now; `migrations/` leads to them from every released form."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

REVISION = "0004"
"""The newest migration."""

metadata = MetaData()

Sequence = BigInteger().with_variant(Integer, "sqlite")
"""Numbers rows in the order in which they were written: clocks go backwards, this does not."""

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
    Column("label", Text),
    Column("correct", Boolean),
    Column("text", Text),
    Column("key", String(200)),
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
