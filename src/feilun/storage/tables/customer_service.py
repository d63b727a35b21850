"""Tables of customer service: what it knows, what it released, and what was said."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Double, ForeignKeyConstraint, Index, Integer, String, Table, Text

from feilun.storage.tables.schema import Sequence, metadata

service_knowledge = Table(
    "service_knowledge",
    metadata,
    Column("application", String(80), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("origin", String(20), nullable=False),
    Column("content", JSON, nullable=False),
)

service_releases = Table(
    "service_releases",
    metadata,
    Column("application", String(80), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("time", Double, nullable=False),
    Column("version", JSON(none_as_null=True)),
    Column("counts", JSON, nullable=False),
    Column("knowledge", JSON, nullable=False),
    Column("restored", Integer),
)

service_conversations = Table(
    "service_conversations",
    metadata,
    Column("application", String(80), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("channel", String(40), nullable=False),
    Column("started", Double, nullable=False),
    Column("updated", Double, nullable=False),
    Column("speaker", String(20), nullable=False),
    Column("reason", String(40)),
    Column("waiting_since", Double),
    Column("memory", JSON, nullable=False),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("resolved", Boolean),
    Column("rating", Integer),
    Index("service_queue", "application", "speaker", "waiting_since"),
)

service_turns = Table(
    "service_turns",
    metadata,
    Column("sequence", Sequence, primary_key=True, autoincrement=True),
    Column("application", String(80), nullable=False),
    Column("conversation", String(64), nullable=False),
    Column("id", String(64), nullable=False, unique=True),
    Column("time", Double, nullable=False),
    Column("speaker", String(20), nullable=False),
    Column("text", Text, nullable=False),
    Column("reply", JSON),
    Column("helpful", Boolean),
    Column("remark", Text),
    ForeignKeyConstraint(
        ["application", "conversation"],
        ["service_conversations.application", "service_conversations.id"],
        ondelete="CASCADE",
    ),
    Index("service_turns_of", "application", "conversation", "sequence"),
    sqlite_autoincrement=True,
)

service_candidates = Table(
    "service_candidates",
    metadata,
    Column("sequence", Sequence, primary_key=True, autoincrement=True),
    Column("application", String(80), nullable=False),
    Column("id", String(64), nullable=False, unique=True),
    Column("time", Double, nullable=False),
    Column("question", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("asked", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Index("service_candidates_of", "application", "state"),
    sqlite_autoincrement=True,
)

service_channel_links = Table(
    "service_channel_links",
    metadata,
    Column("application", String(80), primary_key=True),
    Column("channel", String(40), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("conversation", String(64), nullable=False),
)

service_channel_events = Table(
    "service_channel_events",
    metadata,
    Column("application", String(80), primary_key=True),
    Column("channel", String(40), primary_key=True),
    Column("event", String(200), primary_key=True),
    Column("time", Double, nullable=False),
    Index("service_channel_events_by_time", "time"),
)
