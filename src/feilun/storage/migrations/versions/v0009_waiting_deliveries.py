"""Notifications wait in the database until they are sent: what they say, and when they are due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the columns; what failed before has nothing left to say, and is not tried again."""
    op.add_column("deliveries", sa.Column("title", sa.Text, nullable=False, server_default=""))
    op.add_column("deliveries", sa.Column("body", sa.Text, nullable=False, server_default=""))
    op.add_column("deliveries", sa.Column("due", sa.Double))
