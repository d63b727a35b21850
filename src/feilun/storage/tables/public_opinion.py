"""Tables of public opinion: documents, their numbers over time, and incidents."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Double, ForeignKey, Index, Integer, String, Table, Text

from feilun.storage.tables.schema import Sequence, metadata

opinion_inbox = Table(
    "opinion_inbox",
    metadata,
    Column("sequence", Sequence, primary_key=True, autoincrement=True),
    Column("time", Double, nullable=False),
    Column("source", String(200), nullable=False),
    Column("record", JSON, nullable=False),
    sqlite_autoincrement=True,
)
"""Documents that were pushed and not yet read; the reader's position says which were."""

opinion_documents = Table(
    "opinion_documents",
    metadata,
    Column("sequence", Sequence, primary_key=True, autoincrement=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("content", String(64), nullable=False),
    Column("source", String(200), nullable=False),
    Column("url", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("published", Double, nullable=False),
    Column("seen", Double, nullable=False),
    Column("language", String(8), nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("story", String(64), nullable=False),
    Column("sentiment", String(16), nullable=False),
    Column("analysis", JSON, nullable=False),
    Column("region", String(80), nullable=False, server_default=""),
    Index("opinion_documents_by_time", "published"),
    Index("opinion_documents_of_story", "story"),
    sqlite_autoincrement=True,
)

opinion_counts = Table(
    "opinion_counts",
    metadata,
    Column("bucket", BigInteger, primary_key=True, autoincrement=False),
    Column("topic", String(80), primary_key=True),
    Column("entity", String(200), primary_key=True),
    Column("source", String(200), primary_key=True),
    Column("region", String(80), primary_key=True),
    Column("documents", Integer, nullable=False),
    Column("positive", Integer, nullable=False),
    Column("negative", Integer, nullable=False),
    Column("stories", Integer, nullable=False),
    Index("opinion_counts_of_entity", "source", "region", "entity", "bucket"),
)
"""Whole numbers by the second at which a bucket begins; an empty name stands for all of its kind together."""

opinion_daily_counts = Table(
    "opinion_daily_counts",
    metadata,
    Column("source", String(200), primary_key=True),
    Column("region", String(80), primary_key=True),
    Column("topic", String(80), primary_key=True),
    Column("bucket", BigInteger, primary_key=True, autoincrement=False),
    Column("entity", String(200), primary_key=True),
    Column("documents", Integer, nullable=False),
    Column("positive", Integer, nullable=False),
    Column("negative", Integer, nullable=False),
    Column("stories", Integer, nullable=False),
    Index("opinion_daily_counts_of_entity", "source", "region", "entity", "bucket"),
    sqlite_with_rowid=False,
)
"""The same added up by day, UTC, in the order in which long times are asked for."""

opinion_positions = Table(
    "opinion_positions",
    metadata,
    Column("name", String(300), primary_key=True),
    Column("position", JSON, nullable=False),
)
"""How far each source was read, and how far the stream's own time has come."""

opinion_dead_letters = Table(
    "opinion_dead_letters",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("time", Double, nullable=False),
    Column("source", String(200), nullable=False),
    Column("place", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("record", JSON, nullable=False),
)

opinion_incidents = Table(
    "opinion_incidents",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("opened", Double, nullable=False),
    Column("changed", Double, nullable=False),
    Column("facts", JSON, nullable=False),
    Index("opinion_incidents_by_time", "opened"),
)

opinion_corrections = Table(
    "opinion_corrections",
    metadata,
    Column("sequence", Sequence, primary_key=True, autoincrement=True),
    Column("document", String(64), ForeignKey("opinion_documents.key", ondelete="CASCADE"), nullable=False),
    Column("time", Double, nullable=False),
    Column("actor", Text, nullable=False),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
    Index("opinion_corrections_of_document", "document"),
    sqlite_autoincrement=True,
)
