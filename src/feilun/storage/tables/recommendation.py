"""Tables of recommendation: items, interactions, and the lists that were shown."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Double, Index, String, Table, UniqueConstraint

from feilun.storage.tables.schema import Sequence, metadata

recommendation_items = Table(
    "recommendation_items",
    metadata,
    Column("application", String(80), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("item", JSON, nullable=False),
)

recommendation_interactions = Table(
    "recommendation_interactions",
    metadata,
    Column("sequence", Sequence, primary_key=True, autoincrement=True),
    Column("application", String(80), nullable=False),
    Column("id", String(200), nullable=False),
    Column("user", String(200), nullable=False),
    Column("item", String(200), nullable=False),
    Column("type", String(200), nullable=False),
    Column("value", Double, nullable=False),
    Column("time", Double, nullable=False),
    Column("ranking", String(200)),
    UniqueConstraint("application", "id", name="recommendation_interaction_once"),
    Index("recommendation_interactions_of_user", "application", "user"),
    Index("recommendation_interactions_with_item", "application", "item"),
    sqlite_autoincrement=True,
)

recommendation_rankings = Table(
    "recommendation_rankings",
    metadata,
    Column("sequence", Sequence, primary_key=True, autoincrement=True),
    Column("application", String(80), nullable=False),
    Column("id", String(200), nullable=False),
    Column("user", String(200), nullable=False),
    Column("time", Double, nullable=False),
    Column("version", String(80), nullable=False),
    Column("arm", String(80), nullable=False),
    Column("items", JSON, nullable=False),  # a list, or {"items": the list, "context": {column: value}}
    Column("propensities", JSON, nullable=False),
    Column("sides", String(200), nullable=False, server_default=""),
    UniqueConstraint("application", "id", name="recommendation_ranking_once"),
    Index("recommendation_rankings_of_user", "application", "user"),
    sqlite_autoincrement=True,
)
