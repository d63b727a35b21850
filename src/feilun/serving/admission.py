"""How many requests wait for a kind of work, and how many of one client; the further ones are refused at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from feilun.core.remark import Remark, said_in
from feilun.serving.limits import Limits, Overloaded, ShareTaken

RETRY_SECONDS = 2
"""After which it is worth asking again."""


class Admission:
    """Counts what waits for one kind of work.

    Args:
        limits: How many may wait, and how many of one client.
        work: What is waited for, as messages name it.
    """

    def __init__(self, limits: Limits, work: str) -> None:
        self._limits, self._work = limits, work
        self._waiting = 0
        self._of_client: Counter[str] = Counter()

    @contextmanager
    def admitted(self, client: str) -> Iterator[None]:
        """Count a request as waiting for a while.

        Args:
            client: Who asks.

        Raises:
            ShareTaken: If as many of this client wait as may.
            Overloaded: If as many wait as may.
        """
        own = self._of_client[client]
        if own >= self._limits.client_requests:
            raise ShareTaken(
                Remark(
                    f"{own:,} of your requests wait for {self._work} already.",
                    f"你已有 {own:,} 个请求在等待{said_in('zh', self._work)}。",
                ),
                RETRY_SECONDS,
            )
        if self._waiting >= self._limits.requests:
            raise Overloaded(
                Remark(
                    f"{self._waiting:,} requests wait for {self._work} already.",
                    f"已有 {self._waiting:,} 个请求在等待{said_in('zh', self._work)}。",
                ),
                RETRY_SECONDS,
            )
        self._waiting += 1
        self._of_client[client] += 1
        try:
            yield
        finally:
            self._waiting -= 1
            self._of_client[client] -= 1
            if not self._of_client[client]:
                del self._of_client[client]
