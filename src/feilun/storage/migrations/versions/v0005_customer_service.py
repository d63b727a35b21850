"""Customer service: what it knows, its conversations and their turns, and candidates for its FAQ."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables."""
    sequence = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "service_knowledge",
        sa.Column("application", sa.String(80), primary_key=True),
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("origin", sa.String(20), nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
    )
    op.create_table(
        "service_conversations",
        sa.Column("application", sa.String(80), primary_key=True),
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("started", sa.Double, nullable=False),
        sa.Column("updated", sa.Double, nullable=False),
        sa.Column("speaker", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(40)),
        sa.Column("waiting_since", sa.Double),
        sa.Column("memory", sa.JSON, nullable=False),
    )
    op.create_index("service_queue", "service_conversations", ["application", "speaker", "waiting_since"])
    op.create_table(
        "service_turns",
        sa.Column("sequence", sequence, primary_key=True, autoincrement=True),
        sa.Column("application", sa.String(80), nullable=False),
        sa.Column("conversation", sa.String(64), nullable=False),
        sa.Column("id", sa.String(64), nullable=False, unique=True),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("speaker", sa.String(20), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("reply", sa.JSON),
        sa.Column("helpful", sa.Boolean),
        sa.Column("remark", sa.Text),
        sa.ForeignKeyConstraint(
            ["application", "conversation"],
            ["service_conversations.application", "service_conversations.id"],
            ondelete="CASCADE",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("service_turns_of", "service_turns", ["application", "conversation", "sequence"])
    op.create_table(
        "service_candidates",
        sa.Column("sequence", sequence, primary_key=True, autoincrement=True),
        sa.Column("application", sa.String(80), nullable=False),
        sa.Column("id", sa.String(64), nullable=False, unique=True),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("asked", sa.Integer, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("service_candidates_of", "service_candidates", ["application", "state"])
