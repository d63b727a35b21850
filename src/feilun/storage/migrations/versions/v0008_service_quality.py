"""How urgent a hand-over is, what customers say of a whole conversation, and tokens of one application."""

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
