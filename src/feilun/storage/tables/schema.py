"""The schema that all tables are part of; `migrations/` leads to it from every released form."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, MetaData

REVISION = "0015"
"""The newest migration."""

metadata = MetaData()

Sequence = BigInteger().with_variant(Integer, "sqlite")
"""Numbers rows in the order in which they were written: clocks go backwards, this does not."""
