"""The tables as they are now; `migrations/` leads to them from every released form."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

REVISION = "0014"
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
    Column("documents", Integer, nullable=False),
    Column("positive", Integer, nullable=False),
    Column("negative", Integer, nullable=False),
    Column("stories", Integer, nullable=False),
    Index("opinion_counts_of_entity", "source", "entity", "bucket"),
)
"""Whole numbers by the second at which a bucket begins; the empty topic, entity and source stand for all of them."""

opinion_daily_counts = Table(
    "opinion_daily_counts",
    metadata,
    Column("source", String(200), primary_key=True),
    Column("topic", String(80), primary_key=True),
    Column("bucket", BigInteger, primary_key=True, autoincrement=False),
    Column("entity", String(200), primary_key=True),
    Column("documents", Integer, nullable=False),
    Column("positive", Integer, nullable=False),
    Column("negative", Integer, nullable=False),
    Column("stories", Integer, nullable=False),
    Index("opinion_daily_counts_of_entity", "source", "entity", "bucket"),
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

recommendation_items = Table(
    "recommendation_items",
    metadata,
    Column("application", String(80), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("item", JSON, nullable=False),
)

recommendation_interactions = Table(
    "recommendation_interactions",
    metadata,
    Column("sequence", Sequence, primary_key=True, autoincrement=True),
    Column("application", String(80), nullable=False),
    Column("id", String(200), nullable=False),
    Column("user", String(200), nullable=False),
    Column("item", String(200), nullable=False),
    Column("type", String(200), nullable=False),
    Column("value", Double, nullable=False),
    Column("time", Double, nullable=False),
    Column("ranking", String(200)),
    UniqueConstraint("application", "id", name="recommendation_interaction_once"),
    Index("recommendation_interactions_of_user", "application", "user"),
    Index("recommendation_interactions_with_item", "application", "item"),
    sqlite_autoincrement=True,
)

recommendation_rankings = Table(
    "recommendation_rankings",
    metadata,
    Column("sequence", Sequence, primary_key=True, autoincrement=True),
    Column("application", String(80), nullable=False),
    Column("id", String(200), nullable=False),
    Column("user", String(200), nullable=False),
    Column("time", Double, nullable=False),
    Column("version", String(80), nullable=False),
    Column("arm", String(80), nullable=False),
    Column("items", JSON, nullable=False),
    Column("propensities", JSON, nullable=False),
    Column("sides", String(200), nullable=False, server_default=""),
    UniqueConstraint("application", "id", name="recommendation_ranking_once"),
    Index("recommendation_rankings_of_user", "application", "user"),
    sqlite_autoincrement=True,
)
