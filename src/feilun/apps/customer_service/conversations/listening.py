"""Who is told of what people write, while they write it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from feilun.storage.customer_service import Turn

Hear = Callable[[Turn], None]
"""Is told of a turn, on the thread of who wrote it: it must return at once."""


class Listeners:
    """Those of each conversation; safe to share between threads."""

    def __init__(self) -> None:
        self._hearing: dict[str, list[Hear]] = {}
        self._changing = Lock()

    @contextmanager
    def hearing(self, conversation: str, hear: Hear) -> Iterator[None]:
        """Be told of what people write in a conversation, for the length of a block."""
        with self._changing:
            self._hearing.setdefault(conversation, []).append(hear)
        try:
            yield
        finally:
            with self._changing:
                self._hearing[conversation].remove(hear)
                if not self._hearing[conversation]:
                    del self._hearing[conversation]

    def tell(self, turn: Turn) -> None:
        """Tell those who listen of a turn that is on the disk."""
        with self._changing:
            hearing = tuple(self._hearing.get(turn.conversation, ()))
        for hear in hearing:
            hear(turn)
