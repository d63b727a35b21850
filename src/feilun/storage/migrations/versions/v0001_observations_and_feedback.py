"""Observations and feedback."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the two tables."""
    sequence = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "observations",
        sa.Column("sequence", sequence, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(64), nullable=False, unique=True),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("version", sa.String(80), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("prediction", sa.JSON, nullable=False),
        sa.Column("latency", sa.Double, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("observations_of_model", "observations", ["model", "sequence"])
    op.create_index("observations_by_time", "observations", ["model", "time"])
    op.create_table(
        "feedback",
        sa.Column("sequence", sequence, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(64), nullable=False, unique=True),
        sa.Column("observation", sa.String(64), sa.ForeignKey("observations.id", ondelete="CASCADE"), nullable=False),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("label", sa.Text),
        sa.Column("correct", sa.Boolean),
        sa.Column("text", sa.Text),
        sa.Column("key", sa.String(200)),
        sa.UniqueConstraint("observation", "key", name="feedback_key"),
        sqlite_autoincrement=True,
    )
