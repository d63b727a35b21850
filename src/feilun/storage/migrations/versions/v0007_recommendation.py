"""What recommenders are told: items, interactions, and rankings that were shown."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "recommendation_items",
        sa.Column("application", sa.String(80), primary_key=True),
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("item", sa.JSON, nullable=False),
    )
    op.create_table(
        "recommendation_interactions",
        sa.Column("sequence", SEQUENCE, primary_key=True, autoincrement=True),
        sa.Column("application", sa.String(80), nullable=False),
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("user", sa.String(200), nullable=False),
        sa.Column("item", sa.String(200), nullable=False),
        sa.Column("type", sa.String(200), nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("ranking", sa.String(200)),
        sa.UniqueConstraint("application", "id", name="recommendation_interaction_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("recommendation_interactions_of_user", "recommendation_interactions", ["application", "user"])
    op.create_index("recommendation_interactions_with_item", "recommendation_interactions", ["application", "item"])
    op.create_table(
        "recommendation_rankings",
        sa.Column("sequence", SEQUENCE, primary_key=True, autoincrement=True),
        sa.Column("application", sa.String(80), nullable=False),
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("user", sa.String(200), nullable=False),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("version", sa.String(80), nullable=False),
        sa.Column("arm", sa.String(80), nullable=False),
        sa.Column("items", sa.JSON, nullable=False),
        sa.Column("propensities", sa.JSON, nullable=False),
        sa.UniqueConstraint("application", "id", name="recommendation_ranking_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("recommendation_rankings_of_user", "recommendation_rankings", ["application", "user"])
