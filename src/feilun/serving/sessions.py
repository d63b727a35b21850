"""Sessions of browsers: a random name, which a cookie holds, stands for a token, which stays in the memory here."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

IDLE_SECONDS = 12 * 3600.0
"""A session that is not used for so long is over."""

MOST = 10_000
"""Sessions that are held; beyond them the one that was not used for longest is over."""


class Sessions:
    """Holds the sessions of a process; they end with it. Safe to share between threads.

    Args:
        clock: Tells seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._lock = Lock()

    def open(self, secret: str) -> str:
        """Begin a session and return its name, which nobody can guess.

        Args:
            secret: The token that it stands for; whether that is valid is asked at each request.
        """
        name = secrets.token_urlsafe(32)
        with self._lock:
            self._held[name] = (secret, self._clock())
            if len(self._held) > MOST:
                self._held.popitem(last=False)
        return name

    def secret_of(self, name: str) -> str | None:
        """Return the token that a session stands for; None where there is no such session (any more)."""
        with self._lock:
            secret, used = self._held.pop(name, (None, 0.0))
            if secret is None or self._clock() - used > IDLE_SECONDS:
                return None
            self._held[name] = (secret, self._clock())
            return secret

    def close(self, name: str) -> None:
        """End a session."""
        with self._lock:
            self._held.pop(name, None)
