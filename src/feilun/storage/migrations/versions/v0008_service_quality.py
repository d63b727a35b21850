"""How urgent a hand-over is, what customers say of a conversation, tokens of one application, and channels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("service_conversations", sa.Column("priority", sa.Integer, nullable=False, server_default="0"))
    op.add_column("service_conversations", sa.Column("resolved", sa.Boolean))
    op.add_column("service_conversations", sa.Column("rating", sa.Integer))
    op.add_column("tokens", sa.Column("application", sa.String(80)))
    op.create_table(
        "service_channel_links",
        sa.Column("application", sa.String(80), primary_key=True),
        sa.Column("channel", sa.String(40), primary_key=True),
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("conversation", sa.String(64), nullable=False),
    )
    op.create_table(
        "service_channel_events",
        sa.Column("application", sa.String(80), primary_key=True),
        sa.Column("channel", sa.String(40), primary_key=True),
        sa.Column("event", sa.String(200), primary_key=True),
        sa.Column("time", sa.Double, nullable=False),
    )
    op.create_index("service_channel_events_by_time", "service_channel_events", ["time"])
