"""Numbers of public opinion by day, and indexes for what is asked of a million documents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

DAY = 86_400


def upgrade() -> None:
    """Make the table and add up the days that were counted before."""
    days = op.create_table(
        "opinion_daily_counts",
        sa.Column("source", sa.String(200), primary_key=True),
        sa.Column("topic", sa.String(80), primary_key=True),
        sa.Column("bucket", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("entity", sa.String(200), primary_key=True),
        sa.Column("documents", sa.Integer, nullable=False),
        sa.Column("positive", sa.Integer, nullable=False),
        sa.Column("negative", sa.Integer, nullable=False),
        sa.Column("stories", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("opinion_daily_counts_of_entity", "opinion_daily_counts", ["source", "entity", "bucket"])
    names, figures = ("source", "topic", "entity"), ("documents", "positive", "negative", "stories")
    hours = sa.table("opinion_counts", *(sa.column(name) for name in ("bucket", *names, *figures)))
    day = hours.c.bucket - hours.c.bucket % DAY
    totals = [sa.cast(sa.func.sum(hours.c[name]), sa.Integer) for name in figures]
    groups = [hours.c[name] for name in names]
    query = sa.select(day, *groups, *totals).group_by(day, *groups)
    op.execute(days.insert().from_select(["bucket", *names, *figures], query))
    op.drop_index("opinion_counts_of_entity", "opinion_counts")
    op.create_index("opinion_counts_of_entity", "opinion_counts", ["source", "entity", "bucket"])
    op.create_index("opinion_corrections_of_document", "opinion_corrections", ["document"])
