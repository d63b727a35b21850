"""The region of documents of public opinion, and their numbers by it; what was counted before is of no region."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

TABLES = {
    "opinion_counts": ("bucket", "topic", "entity", "source", "region"),
    "opinion_daily_counts": ("source", "region", "topic", "bucket", "entity"),
}
"""Tables of numbers with the columns of their primary keys."""

FIGURES = ("documents", "positive", "negative", "stories")


def upgrade() -> None:
    """Give documents a region, and make the tables of numbers anew: SQLite cannot change a primary key."""
    op.add_column("opinion_documents", sa.Column("region", sa.String(80), nullable=False, server_default=""))
    for name, keys in TABLES.items():
        op.execute(f"create table {name}_before as select * from {name}")  # noqa: S608 - names of our own
        op.drop_table(name)
        made = op.create_table(name, *_columns(keys), sqlite_with_rowid=name == "opinion_counts")
        old = [column for column in (*keys, *FIGURES) if column != "region"]
        before = sa.table(f"{name}_before", *map(sa.column, old))
        kept = sa.select(*before.c, sa.literal(""))
        op.execute(made.insert().from_select([*old, "region"], kept))
        op.drop_table(f"{name}_before")
        op.create_index(f"{name}_of_entity", name, ["source", "region", "entity", "bucket"])


def _columns(keys: tuple[str, ...]) -> Iterator[sa.Column[Any]]:
    lengths = {"topic": 80, "entity": 200, "source": 200, "region": 80}
    for key in keys:
        kind = sa.String(lengths[key]) if key in lengths else sa.BigInteger()
        yield sa.Column(key, kind, primary_key=True, autoincrement=False)
    for figure in FIGURES:
        yield sa.Column(figure, sa.Integer, nullable=False)
