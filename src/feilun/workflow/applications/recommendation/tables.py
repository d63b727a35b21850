"""Tables of items and events on their way into the database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from feilun.apps.recommendation.records.context import Context, read_user
from feilun.apps.recommendation.records.events import Interaction, Item, checked_user, read_interaction, read_item
from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.apps.recommendation.stored_data import interaction_of, row_of
from feilun.core import places
from feilun.core.errors import DataError
from feilun.core.remark import Remark, joined, said_in
from feilun.data.paths import shown
from feilun.data.readers.sources import column_names, open_rows
from feilun.storage import event_queue
from feilun.storage import recommendation as storage
from feilun.storage.database import Database
from feilun.storage.dead_letters import DeadLetters

Row = TypeVar("Row")
FAULTS_SHOWN = 5

WRITTEN_AT_ONCE, PAUSE_SECONDS = 20_000, 0.1
"""SQLite lets one write at a time, and who waits for it looks again ten times a second."""


@dataclass(frozen=True)
class Imported(Generic[Row]):
    """The rows of a table.

    Args:
        rows: Those that could be read.
        faults: What is wrong with the first of the others, each with its row number.
        left_out: How many could not be read.
    """

    rows: list[Row]
    faults: list[Remark]
    left_out: int


def import_items(source: str, query: str | None = None, creator: str = "creator") -> Imported[Item]:
    """Read a table of items: item (or id), title, description, categories, tags, creator, price, published, ….

    Raises:
        DataError: If the table cannot be read, or no row of it.
    """
    _refuse_without(source, query, ("item", "id"), *([] if creator == "creator" else [(creator,)]))
    return _import(source, query, lambda row: read_item(row, creator))


def import_events(source: str, query: str | None = None) -> Imported[Interaction]:
    """Read a table of interactions: user, item, and where there are type, value, time, ranking, id.

    Raises:
        DataError: If the table cannot be read, or no row of it.
    """
    _refuse_without(source, query, ("user",), ("item",))
    now = time.time()
    return _import(source, query, lambda row: read_interaction(row, now))


def users_of(settings: RecommendationSettings) -> dict[str, Context]:
    """Read the table of users, where there is one; it is not kept, so that it is deleted from where it is.

    Returns:
        By user, the declared columns that the table has.

    Raises:
        DataError: If the table cannot be read, no row of it, or it has none of the declared columns.
    """
    if settings.users is None:
        return {}
    declared = settings.context.columns
    _refuse_without(settings.users, settings.users_query, ("user",), declared)
    found = _import(settings.users, settings.users_query, lambda row: read_user(row, declared))
    return dict(found.rows)


def _refuse_without(source: str, query: str | None, *wanted: tuple[str, ...]) -> None:
    """Refuse a table that has none of some columns, each of which may have several names."""
    there = column_names(source, query=query)
    for names in wanted:
        if not set(names) & set(there):
            raise DataError(
                Remark(
                    f"{shown(source)} has no column {' or '.join(map(repr, names))} (it has: {', '.join(there)}).",
                    f"{shown(source)} 没有列 {' 或 '.join(map(repr, names))}（现有：{'、'.join(there)}）。",
                ),
                Remark(
                    "Rename the column that holds it. docs/recommendation.md lists the columns.",
                    "请把相应的列改名。各列见 docs/recommendation.zh-CN.md。",
                ),
            )


def _import(source: str, query: str | None, read: Callable[[dict[str, Any]], Row]) -> Imported[Row]:
    rows: list[Row] = []
    faults: list[Remark] = []
    left_out = 0
    for number, cells in enumerate(_rows(source, query), 1):
        try:
            rows.append(read(cells))
        except DataError as error:
            left_out += 1
            if len(faults) < FAULTS_SHOWN:
                zh = said_in("zh", error.message)
                faults.append(Remark(f"row {number}: {error}", f"第 {number} 行：{zh}"))
    if not rows:
        head = Remark(f"No row of {shown(source)} could be read:", f"{shown(source)} 没有一行能读取：")
        none = Remark("  - it has no rows", "  - 没有行")
        raise DataError(
            joined([head, *(map(listed, faults) if faults else [none])], "\n", "\n"),
            Remark("See docs/recommendation.md for the columns.", "各列见 docs/recommendation.zh-CN.md。"),
        )
    return Imported(rows, faults, left_out)


def _rows(source: str, query: str | None) -> Iterator[dict[str, Any]]:
    """Give rows; a cell that is no number (NaN) is an empty one."""
    from polars import selectors

    for frame in open_rows(source, query=query):
        yield from frame.with_columns(selectors.float().fill_nan(None)).iter_rows(named=True)


def put_items(database: Database, settings: RecommendationSettings, items: list[Item]) -> None:
    """Write items into the application's catalogue, a part at a time."""
    for part in _parts(items):
        with database.write() as connection:
            storage.put_items(connection, settings.name, {item.id: asdict(item) for item in part})


def put_events(database: Database, settings: RecommendationSettings, events: list[Interaction]) -> int:
    """Write events, a part at a time; those whose ids are known are left out, so an import that broke off is repeated.

    Returns:
        How many were new.
    """
    new = 0
    for part in _parts(events):
        with database.write() as connection:
            new += len(storage.add_interactions(connection, settings.name, [row_of(event) for event in part]))
    return new


def _parts(rows: list[Row]) -> Iterator[list[Row]]:
    """Give rows as parts, with a pause between them in which a service that runs can write its own."""
    for start in range(0, len(rows), WRITTEN_AT_ONCE):
        if start:
            time.sleep(PAUSE_SECONDS)
        yield rows[start : start + WRITTEN_AT_ONCE]


def take_tables(database: Database, settings: RecommendationSettings, say: Callable[[str], Any]) -> None:
    """Import the tables that the application names, and say what was left out."""
    if settings.items is not None:
        items = import_items(settings.items, settings.items_query, settings.creator)
        put_items(database, settings, items.rows)
        _say(settings.items, items, say)
    if settings.events is not None:
        events = import_events(settings.events, settings.events_query)
        put_events(database, settings, events.rows)
        _say(settings.events, events, say)


def _say(source: str, found: Imported[Any], say: Callable[[str], Any]) -> None:
    rows = Remark(f"{shown(source)}: {len(found.rows):,} rows", f"{shown(source)}：{len(found.rows):,} 行")
    more = Remark(f", {found.left_out:,} could not be read:", f"，{found.left_out:,} 行无法读取：")
    say(joined([rows, more], "", "") if found.left_out else rows)
    for fault in found.faults:
        say(listed(fault))


def listed(fault: str) -> Remark:
    """Return what is wrong with a row, as a line of a list."""
    return Remark(f"  - {fault}", f"  - {said_in('zh', fault)}")


def waiting_folder(settings: RecommendationSettings) -> Path:
    """Return where events of an application wait while the database is gone."""
    return places.home() / "recommendation" / f"{settings.name}.waiting"


def take_up_waiting(settings: RecommendationSettings, database: Database) -> int:
    """Write into the database what former processes left waiting for it; return how many events were new."""
    folder = waiting_folder(settings)
    taken = put_events(database, settings, [interaction_of(row) for row in event_queue.left_behind(folder)])
    event_queue.tidy(folder, time.time())
    return taken


def refused_messages(settings: RecommendationSettings) -> DeadLetters:
    """Return what keeps an application's messages that were no events."""
    return DeadLetters(places.home() / "recommendation" / f"{settings.name}.refused")


def forget_user(settings: RecommendationSettings, database: Database, user: str) -> dict[str, int]:
    """Delete what is known of a user: in the database, in what waits for it, and in refused messages.

    Returns:
        How many rows of the database went, by table.

    Raises:
        UsageError: If that is no name of a user.
    """
    user = checked_user(user)
    with database.write() as connection:
        gone = storage.forget_user(connection, settings.name, user)
    event_queue.forget(waiting_folder(settings), user)
    refused_messages(settings).forget(user)
    return gone
