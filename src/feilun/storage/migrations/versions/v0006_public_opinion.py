"""Documents of public opinion, their numbers over time, incidents, and what was sent of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "opinion_inbox",
        sa.Column("sequence", SEQUENCE, primary_key=True, autoincrement=True),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("record", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "opinion_documents",
        sa.Column("sequence", SEQUENCE, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(64), nullable=False, unique=True),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("published", sa.Double, nullable=False),
        sa.Column("seen", sa.Double, nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("story", sa.String(64), nullable=False),
        sa.Column("sentiment", sa.String(16), nullable=False),
        sa.Column("analysis", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("opinion_documents_by_time", "opinion_documents", ["published"])
    op.create_index("opinion_documents_of_story", "opinion_documents", ["story"])
    op.create_table(
        "opinion_counts",
        sa.Column("bucket", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("topic", sa.String(80), primary_key=True),
        sa.Column("entity", sa.String(200), primary_key=True),
        sa.Column("source", sa.String(200), primary_key=True),
        sa.Column("documents", sa.Integer, nullable=False),
        sa.Column("positive", sa.Integer, nullable=False),
        sa.Column("negative", sa.Integer, nullable=False),
        sa.Column("stories", sa.Integer, nullable=False),
    )
    op.create_index("opinion_counts_of_entity", "opinion_counts", ["entity", "topic", "bucket"])
    op.create_table(
        "opinion_positions",
        sa.Column("name", sa.String(300), primary_key=True),
        sa.Column("position", sa.JSON, nullable=False),
    )
    op.create_table(
        "opinion_dead_letters",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("record", sa.JSON, nullable=False),
    )
    op.create_table(
        "opinion_incidents",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("opened", sa.Double, nullable=False),
        sa.Column("changed", sa.Double, nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
    )
    op.create_index("opinion_incidents_by_time", "opinion_incidents", ["opened"])
    op.create_table(
        "opinion_corrections",
        sa.Column("sequence", SEQUENCE, primary_key=True, autoincrement=True),
        sa.Column(
            "document", sa.String(64), sa.ForeignKey("opinion_documents.key", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("before", sa.JSON, nullable=False),
        sa.Column("after", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "deliveries",
        sa.Column("sequence", SEQUENCE, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("channel", sa.String(80), nullable=False),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.UniqueConstraint("key", "channel", name="delivery_once"),
        sqlite_autoincrement=True,
    )
