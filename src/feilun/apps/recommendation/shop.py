"""A recommender with its memory: events are on the disk before they count, lists are remembered with their chances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from threading import RLock
from typing import Any

from feilun.apps.recommendation.answer import Answer
from feilun.apps.recommendation.events import Interaction, Item, Ranking, read_item
from feilun.apps.recommendation.experiments import HOLDOUT, INTERLEAVED, arm_for
from feilun.apps.recommendation.interleaving import interleave
from feilun.apps.recommendation.recommender import Recommender
from feilun.core.errors import StorageError, UsageError
from feilun.storage import recommendation as storage
from feilun.storage.database import Database
from feilun.storage.event_queue import EventQueue


@dataclass(frozen=True)
class Taking:
    """What became of events.

    Args:
        taken: New ones.
        repeated: Ones whose id was known.
        unknown: New ones of items that are not known yet; they are kept, and count once the item is.
        unissued: New ones that name a ranking which was never issued; they count, without the ranking.
        waiting: Whether they wait on the disk for a database that is gone: what is repeated and unissued among them
            shows once it is back.
    """

    taken: int
    repeated: int
    unknown: int
    unissued: int
    waiting: bool = False


class Shop:
    """A recommender beside its database.

    Args:
        recommender: Answers.
        database: Remembers.
        application: Its name there.
        queue: Where events wait while the database is gone; without it they are refused then.
    """

    def __init__(
        self, recommender: Recommender, database: Database, application: str, queue: EventQueue | None = None
    ) -> None:
        self.recommender = recommender
        self.database = database
        self.application = application
        self.queue = queue
        self._waiting: set[str] = set()
        self._taking_up = RLock()

    def take(self, events: Sequence[Interaction]) -> Taking:
        """Write events, then let them count; while the database is gone they wait in the queue, where there is one.

        Raises:
            StorageError: If database and queue refuse; nothing was taken, and the same events may be sent again.
        """
        try:
            self.take_up()
            new, unissued = self._write(events)
        except StorageError:
            if self.queue is None:
                raise
            return self._let_wait(self.queue, events)
        unknown = self.recommender.observe(new)
        return Taking(len(new), len(events) - len(new), unknown, unissued)

    def take_up(self) -> None:
        """Write into the database what waited for it; those events count already.

        Raises:
            StorageError: If the database is still gone; what waits goes on waiting.
        """
        if not self.queue:
            return
        with self._taking_up:
            self._write([interaction_of(row) for row in self.queue.rows()])
            self.queue.clear()
            self._waiting.clear()

    def _write(self, events: Sequence[Interaction]) -> tuple[list[Interaction], int]:
        """Write events and return the new ones, and how many name a ranking that was never issued."""
        with self.database.write() as connection:
            named = {event.ranking for event in events if event.ranking}
            issued = {one for one in named if storage.ranking_exists(connection, self.application, one)}
            unissued = sum(event.ranking is not None and event.ranking not in issued for event in events)
            sound = [event if event.ranking in issued else replace(event, ranking=None) for event in events]
            new = storage.add_interactions(connection, self.application, [asdict(event) for event in sound])
        return [interaction_of(row) for row in new], unissued

    def _let_wait(self, queue: EventQueue, events: Sequence[Interaction]) -> Taking:
        with self._taking_up:
            fresh = {event.id: event for event in events if event.id not in self._waiting}
            queue.append([asdict(event) for event in fresh.values()])
            self._waiting.update(fresh)
        unknown = self.recommender.observe(fresh.values())
        return Taking(len(fresh), len(events) - len(fresh), unknown, 0, waiting=True)

    def recommend(
        self,
        user: str,
        count: int = 10,
        *,
        personal: bool = True,
        explain: bool = False,
        liked: Sequence[str] = (),
        now: float | None = None,
    ) -> tuple[Answer, bool]:
        """Make a list and remember it; where the database refuses, the list is given all the same.

        A list that is not personal is remembered without the user.

        Returns:
            The list, and whether it is remembered.
        """
        experiment = self.recommender.settings.experiment
        arm = arm_for(user, experiment) if personal else ""
        looked_at = personal and arm != HOLDOUT
        answer = self.recommender.recommend(user, count, personal=looked_at, explain=explain, liked=liked, now=now)
        sides = ""
        if arm == INTERLEAVED:
            other = self.recommender.recommend(user, count, personal=False, now=now)
            answer, sides = interleave(answer, other, count)
        row = {
            "id": answer.id, "user": answer.user if personal else "", "time": answer.time, "version": answer.version,
            "arm": f"{experiment.name}:{arm}" if arm else "", "items": [place.item.id for place in answer.places],
            "propensities": [place.propensity for place in answer.places], "sides": sides,
        }  # fmt: skip
        try:
            with self.database.write() as connection:
                storage.add_ranking(connection, self.application, row)
        except StorageError:
            return answer, False
        return answer, True

    def put(self, items: Sequence[Item], now: float | None = None) -> None:
        """Write items and let them be recommended; earlier events with them count from now on."""
        fresh = [item.id for item in items if item.id not in self.recommender.model.catalogue.index]
        with self.database.write() as connection:
            storage.put_items(connection, self.application, {item.id: asdict(item) for item in items})
            waiting = [row for one in fresh for row in storage.all_interactions(connection, self.application, one)]
        self.recommender.put(items, now)
        self.recommender.observe([interaction_of(row) for row in waiting])

    def withdraw(self, item: str) -> None:
        """Take an item out of all lists, at once and for good.

        Raises:
            UsageError: If there is no such item.
        """
        known = self.recommender.model.catalogue.items[self.recommender.number(item)]
        self.recommender.withdraw(item)
        self.put([replace(known, hidden=True)])

    def forget(self, user: str) -> dict[str, int]:
        """Delete all that is known of a user, on the disk and in memory.

        Returns:
            How many rows went, by table.
        """
        if not user:
            raise UsageError("A user has a name.", "Name the user to be forgotten.")
        self.take_up()
        with self.database.write() as connection:
            gone = storage.forget_user(connection, self.application, user)
        self.recommender.forget(user)
        return gone


@dataclass(frozen=True)
class Remembered:
    """What a database holds of an application.

    Args:
        items: All items.
        events: All interactions, in the order in which they came.
        rankings: All rankings.
    """

    items: Sequence[Item]
    events: Sequence[Interaction]
    rankings: Sequence[Ranking]


def remembered(database: Database, application: str) -> Remembered:
    """Read all that a database holds of an application."""
    with database.read() as connection:
        items = [read_item(row) for row in storage.all_items(connection, application)]
        events = [interaction_of(row) for row in storage.all_interactions(connection, application)]
        rankings = [ranking_of(row) for row in storage.all_rankings(connection, application)]
    return Remembered(items, events, rankings)


def interaction_of(row: Any) -> Interaction:
    """Return a row as an interaction."""
    return Interaction(*(row[name] for name in ("id", "user", "item", "type", "value", "time", "ranking")))


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
    )
