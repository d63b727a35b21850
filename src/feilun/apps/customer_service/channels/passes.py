"""Access tokens that a platform gives for a while, and may take back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from feilun.apps.customer_service.channels.sending import Refused

EARLY_SECONDS = 300.0
"""How long before its end a token is no longer used: the clocks differ."""


class Passes:
    """Holds the newest access token of an application; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._token, self._until = "", 0.0

    @contextmanager
    def used(self, asked: Callable[[], tuple[str, float]]) -> Iterator[str]:
        """Hand out a token for the length of a block; where the platform refuses what is done by it, it is forgotten.

        Args:
            asked: Asks the platform for one, and says how many seconds it holds.

        Raises:
            OSError: If the platform gives none.
        """
        with self._lock:
            if time.monotonic() >= self._until:
                self._token, seconds = asked()
                self._until = time.monotonic() + max(0.0, seconds - EARLY_SECONDS)
            token = self._token
        try:
            yield token
        except Refused:
            with self._lock:
                self._until = 0.0
            raise
