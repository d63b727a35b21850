"""What a database holds of an application, as the values that a recommender knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from sys import intern
from typing import Any

from feilun.apps.recommendation.records.events import Interaction, Item, Ranking, read_item
from feilun.storage import recommendation as storage
from feilun.storage.database import Database


@dataclass(frozen=True)
class StoredData:
    """What a database holds of an application.

    Args:
        items: All items.
        events: All interactions, in the order in which they came.
        rankings: All rankings.
    """

    items: Sequence[Item]
    events: Sequence[Interaction]
    rankings: Sequence[Ranking]


def stored_data(database: Database, application: str) -> StoredData:
    """Read all that a database holds of an application."""
    with database.read() as connection:
        items = [read_item(row) for row in storage.all_items(connection, application)]
        events = [interaction_of(row) for row in storage.all_interactions(connection, application)]
        rankings = [ranking_of(row) for row in storage.all_rankings(connection, application)]
    return StoredData(items, events, rankings)


COLUMNS = ("id", "user", "item", "type", "value", "time", "ranking")


def interaction_of(row: Any) -> Interaction:
    """Return a row as an interaction; names that come often share their memory."""
    identity, user, item, kind, value, time, ranking = (row[name] for name in COLUMNS)
    return Interaction(identity, intern(user), intern(item), intern(kind), value, time, ranking and intern(ranking))


def row_of(event: Interaction) -> dict[str, Any]:
    """Return an interaction as a row."""
    return {name: getattr(event, name) for name in COLUMNS}


def ranking_of(row: Any) -> Ranking:
    """Return a row as a ranking."""
    return Ranking(
        row["id"],
        row["user"],
        tuple(row["items"]),
        row["time"],
        row["version"],
        tuple(row["propensities"]),
        row["arm"],
        row["sides"],
        row["context"],
    )
