"""A recommender with its memory: events are on the disk before they count, lists are remembered with their chances."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from threading import RLock
from typing import Any

from feilun.apps.recommendation.answering.answer import Answer
from feilun.apps.recommendation.experiments.arms import HOLDOUT, INTERLEAVED, arm_for
from feilun.apps.recommendation.experiments.interleaving import interleave
from feilun.apps.recommendation.recommender import Recommender
from feilun.apps.recommendation.records.catalogue import text_vectors
from feilun.apps.recommendation.records.context import Context
from feilun.apps.recommendation.records.events import Interaction, Item, checked_user
from feilun.apps.recommendation.stored_data import interaction_of, row_of
from feilun.core.errors import StorageError
from feilun.storage import event_queue
from feilun.storage import recommendation as storage
from feilun.storage.database import Database
from feilun.storage.dead_letters import DeadLetters
from feilun.storage.event_queue import EventQueue
from feilun.storage.group_commit import GroupCommit


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
        refused: Where messages of a broker are kept that are no events, if there is one.
    """

    def __init__(
        self, recommender: Recommender, database: Database, application: str, queue: EventQueue | None = None,
        refused: DeadLetters | None = None,
    ) -> None:  # fmt: skip
        self.recommender = recommender
        self.database = database
        self.application = application
        self.queue = queue
        self.refused = refused
        self._waiting: set[str] = set()
        self._taking = RLock()
        self._together: GroupCommit[Sequence[Sequence[Interaction]], list[Taking]] = GroupCommit(self._take_gathered)
        self._lists_together: GroupCommit[dict[str, Any], None] = GroupCommit(self._write_lists)

    def take(self, events: Sequence[Interaction]) -> Taking:
        """Write events, then let them count; while the database is gone they wait in the queue, where there is one.

        What several threads bring at once is written in one transaction.

        Raises:
            StorageError: If database and queue refuse; nothing was taken, and the same events may be sent again.
        """
        return self.take_all([events])[0]

    def take_all(self, batches: Sequence[Sequence[Interaction]]) -> list[Taking]:
        """Do the same for several senders, and return what became of the events of each."""
        return self._together.put(batches)

    def _take_gathered(self, gathered: Sequence[Sequence[Sequence[Interaction]]]) -> list[list[Taking]]:
        found = iter(self._take_batches([batch for batches in gathered for batch in batches]))
        return [[next(found) for _ in batches] for batches in gathered]

    def _take_batches(self, batches: Sequence[Sequence[Interaction]]) -> list[Taking]:
        with self._taking:
            try:
                self.take_up()
                written = self._write(batches)
            except StorageError:
                if self.queue is None:
                    raise
                return self._let_wait(self.queue, batches)
            self.recommender.observe([event for new, _ in written for event in new])
        return [
            Taking(len(new), len(events) - len(new), self._unknown(new), unissued)
            for events, (new, unissued) in zip(batches, written, strict=True)
        ]

    def _unknown(self, events: Iterable[Interaction]) -> int:
        index = self.recommender.model.catalogue.index
        return sum(event.item not in index for event in events)

    def take_up(self) -> None:
        """Write into the database what waited for it; those events count already.

        Raises:
            StorageError: If the database is still gone; what waits goes on waiting.
        """
        if not self.queue:
            return
        with self._taking:
            self._write([[interaction_of(row) for row in self.queue.rows()]])
            self.queue.clear()
            self._waiting.clear()

    def _write(self, batches: Sequence[Sequence[Interaction]]) -> list[tuple[list[Interaction], int]]:
        """Write events; return of each batch the new ones, and how many name a ranking that was never issued."""
        named = {event.ranking for events in batches for event in events if event.ranking}
        with self.database.write() as connection:
            issued = storage.issued(connection, self.application, named) if named else set()
            rows = [
                row_of(event if event.ranking in issued else replace(event, ranking=None))
                for events in batches
                for event in events
            ]
            new = storage.add_interactions(connection, self.application, rows)
        return [
            (_first_with(new, events), sum(e.ranking is not None and e.ranking not in issued for e in events))
            for events in batches
        ]

    def _let_wait(self, queue: EventQueue, batches: Sequence[Sequence[Interaction]]) -> list[Taking]:
        new = {event.id for events in batches for event in events} - self._waiting
        names = set(new)
        fresh = [_first_with(new, events) for events in batches]
        queue.append([row_of(event) for events in fresh for event in events])
        self._waiting.update(names)
        self.recommender.observe([event for events in fresh for event in events])
        return [
            Taking(len(mine), len(events) - len(mine), self._unknown(mine), 0, waiting=True)
            for events, mine in zip(batches, fresh, strict=True)
        ]

    def recommend(
        self,
        user: str,
        count: int = 10,
        *,
        personal: bool = True,
        explain: bool = False,
        liked: Sequence[str] = (),
        context: Context | None = None,
        now: float | None = None,
    ) -> tuple[Answer, bool]:
        """Make a list and remember it; where the database refuses, the list is given all the same.

        A list that is not personal is remembered without the user.

        Returns:
            The list, and whether it is remembered.

        Raises:
            UsageError: If a personal list is asked for without a user's name, or as `Recommender.recommend` does.
        """
        user = checked_user(user) if user or personal else ""
        experiment = self.recommender.settings.experiment
        arm = arm_for(user, experiment) if personal else ""
        looked_at = personal and arm != HOLDOUT
        answer = self.recommender.recommend(
            user, count, personal=looked_at, explain=explain, liked=liked, context=context, now=now
        )
        sides = ""
        if arm == INTERLEAVED:
            other = self.recommender.recommend(user, count, personal=False, context=context, now=now)
            answer, sides = interleave(answer, other, count)
        row = {
            "id": answer.id, "user": answer.user if personal else "", "time": answer.time, "version": answer.version,
            "arm": f"{experiment.name}:{arm}" if arm else "", "items": [place.item.id for place in answer.places],
            "propensities": [place.propensity for place in answer.places], "sides": sides,
            "context": dict(answer.context) if personal else {},
        }  # fmt: skip
        try:
            self._lists_together.put(row)
        except StorageError:
            return answer, False
        return answer, True

    def _write_lists(self, rows: Sequence[dict[str, Any]]) -> Sequence[None]:
        with self.database.write() as connection:
            storage.add_rankings(connection, self.application, rows)
        return [None] * len(rows)

    def put(self, items: Sequence[Item], now: float | None = None) -> None:
        """Write items and let them be recommended; earlier events with them count from now on.

        Raises:
            StorageError: If the database refuses; nothing is changed.
        """
        vectors = text_vectors(
            [item.text for item in items], self.recommender.embedder
        )  # takes long: events go on being taken
        with self._taking:
            self.take_up()
            fresh = [item.id for item in items if item.id not in self.recommender.model.catalogue.index]
            with self.database.write() as connection:
                storage.put_items(connection, self.application, {item.id: asdict(item) for item in items})
                waiting = [row for one in fresh for row in storage.all_interactions(connection, self.application, one)]
            self.recommender.put(items, now, vectors)
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
        """Delete all that is known of a user, on the disk and in memory, also what waits there or was refused.

        Returns:
            How many rows went, by table.

        Raises:
            UsageError: If that is no name of a user.
        """
        user = checked_user(user)
        with self._taking:
            self.take_up()
            with self.database.write() as connection:
                gone = storage.forget_user(connection, self.application, user)
            if self.queue is not None:
                event_queue.forget(self.queue.path.parent, user)
            self.recommender.forget(user)
        if self.refused is not None:
            self.refused.forget(user)
        return gone


def _first_with(new: set[str], events: Sequence[Interaction]) -> list[Interaction]:
    """Return the events whose ids are new, the first of each, and take these ids out of the new ones."""
    found = []
    for event in events:
        if event.id in new:
            new.remove(event.id)
            found.append(event)
    return found
