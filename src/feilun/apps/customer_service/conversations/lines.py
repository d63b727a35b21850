"""Who waits for a conversation: each gets it in the order in which they came, which a lock alone does not promise."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Lines:
    """A line for each conversation; safe to share between threads."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[object]] = {}
        self._changed = Condition()

    def join(self, conversation: str) -> object:
        """Take the last place of a line, without waiting; whoever has one must take its turn, or the line stands."""
        place = object()
        with self._changed:
            self._lines.setdefault(conversation, deque()).append(place)
        return place

    @contextmanager
    def turn(self, conversation: str, place: object | None = None) -> Iterator[None]:
        """Wait until a place is the first of its line, and leave the line afterwards.

        Args:
            conversation: Whose line.
            place: What `join` gave; None joins now.
        """
        place = place or self.join(conversation)
        with self._changed:
            self._changed.wait_for(lambda: self._lines[conversation][0] is place)
        try:
            yield
        finally:
            with self._changed:
                self._lines[conversation].popleft()
                if not self._lines[conversation]:
                    del self._lines[conversation]
                self._changed.notify_all()
