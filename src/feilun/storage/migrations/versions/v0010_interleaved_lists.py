"""Which side of an interleaved list placed each item."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column; lists from before were of one side."""
    op.add_column("recommendation_rankings", sa.Column("sides", sa.String(200), nullable=False, server_default=""))
