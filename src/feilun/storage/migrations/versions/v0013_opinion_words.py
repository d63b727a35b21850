"""An index of the words of documents: FTS5 of SQLite, a tsvector on PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make the index; documents that are there already are put into it when the application is opened."""
    if op.get_bind().dialect.name == "sqlite":
        # contentless: the documents have the texts, and their terms are worked out again where they leave
        op.execute("create virtual table opinion_words using fts5(terms, content='', columnsize=0, tokenize='ascii')")
        return
    op.create_table(
        "opinion_words",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("terms", TSVECTOR, nullable=False),
    )
    op.create_index("opinion_words_by_term", "opinion_words", ["terms"], postgresql_using="gin")
