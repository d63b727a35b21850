"""Messages of one conversation that come within a moment are one turn: the last of them is answered, with all words."""

from __future__ import annotations

from threading import Lock


class Bursts:
    """The messages of each conversation that wait for an answer; safe to share between threads."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[tuple[object, str]]] = {}
        self._changing = Lock()

    def add(self, conversation: str, text: str) -> object:
        """Let a message wait; returns what tells it from others."""
        ticket = object()
        with self._changing:
            self._waiting.setdefault(conversation, []).append((ticket, text))
        return ticket

    def taken(self, conversation: str, ticket: object) -> str | None:
        """Return the words of all messages that wait, where this one is the last of them; None where it is not.

        They wait no longer then.
        """
        with self._changing:
            waiting = self._waiting.get(conversation, [])
            if not waiting or waiting[-1][0] is not ticket:  # none waits where a later one took this one with it
                return None
            del self._waiting[conversation]
        return "\n".join(text for _, text in waiting)
