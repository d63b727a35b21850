"""Feedback tells any task's right answer, and observations keep second texts and columns beside the text."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the columns; a label that was told before is an answer."""
    op.add_column("observations", sa.Column("pair", sa.Text))
    op.add_column("observations", sa.Column("features", sa.JSON))
    op.add_column("feedback", sa.Column("answer", sa.JSON))
    feedback = sa.table(
        "feedback",
        sa.column("sequence", sa.Integer),
        sa.column("label", sa.Text),
        sa.column("answer", sa.JSON),
    )
    told = sa.select(feedback.c.sequence, feedback.c.label).where(feedback.c.label.is_not(None))
    for sequence, label in op.get_bind().execute(told).all():
        op.execute(feedback.update().where(feedback.c.sequence == sequence).values(answer=label))
    op.drop_column("feedback", "label")
