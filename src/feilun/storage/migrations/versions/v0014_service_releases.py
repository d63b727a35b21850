"""What an application of customer service answered from at each release, so that it can be put back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"


def upgrade() -> None:
    """Make the table; what stands is kept in it before the next release takes its place."""
    op.create_table(
        "service_releases",
        sa.Column("application", sa.String(80), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("version", sa.JSON),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("knowledge", sa.JSON, nullable=False),
        sa.Column("restored", sa.Integer),
    )
