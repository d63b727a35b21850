"""How much one request may hold, how much may wait, and how long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from feilun.core.errors import ServiceError, UsageError
from feilun.core.remark import Remark

Row = str | tuple[str, str] | Mapping[str, Any]
"""What is asked about: a text, two that are compared, or cells by column where a model reads features."""


def characters_of(row: Row) -> int:
    """Return how long a row is, both texts of a pair or all cells together."""
    if isinstance(row, str):
        return len(row)
    return sum(len(str(cell)) for cell in (row.values() if isinstance(row, Mapping) else row))


@dataclass(frozen=True)
class Limits:
    """The limits of a service.

    Args:
        body_bytes: Largest body of a request.
        texts: Most texts of a request.
        characters: Longest text.
        depth: Deepest nesting of a JSON body.
        requests: Most requests that wait for one model; further ones are refused at once.
        client_share: Share of those that one client may have waiting, so that others get their turn.
        waiting_characters: Most characters that wait for one model; a request is always taken where none waits.
        seconds: Age at which a request is given up.
        slow_seconds: How long a client may take to send its headers, again to send its body, and again to read on in
            its answer.
        connections: Most connections at once.
        sockets: Most of them that stay open for messages both ways.
    """

    body_bytes: int = 2 * 1024 * 1024
    texts: int = 1000
    characters: int = 100_000
    depth: int = 32
    requests: int = 256
    client_share: float = 0.5
    waiting_characters: int = 4_000_000
    seconds: float = 10.0
    slow_seconds: float = 10.0
    connections: int = 1000
    sockets: int = 600

    @property
    def client_requests(self) -> int:
        """Return how many requests of one client may wait for one model."""
        return max(1, int(self.requests * self.client_share))

    def check(self, rows: Sequence[Row]) -> None:
        """Refuse a request that holds too much; a pair counts as one text.

        Raises:
            TooLarge: If it has too many texts, or one that is too long.
        """
        if len(rows) > self.texts:
            raise TooLarge(
                Remark(
                    f"The request holds {len(rows):,} texts; at most {self.texts:,} are taken at once.",
                    f"请求有 {len(rows):,} 条文本；一次最多 {self.texts:,} 条。",
                ),
                Remark("Send it in parts.", "请分几次发送。"),
            )
        for number, row in enumerate(rows):
            if characters_of(row) > self.characters:
                raise TooLarge(
                    Remark(
                        f"Text {number} has {characters_of(row):,} characters; at most {self.characters:,} are taken.",
                        f"第 {number} 条文本有 {characters_of(row):,} 个字符；最多 {self.characters:,} 个。",
                    ),
                    Remark("Shorten it.", "请缩短它。"),
                )


class TooLarge(UsageError):
    """A request holds more than is taken."""


class Overloaded(ServiceError):
    """As many requests wait as may.

    Args:
        problem: What is full.
        retry_after: Seconds after which it is worth asking again.
    """

    def __init__(self, problem: str, retry_after: int) -> None:
        super().__init__(problem, Remark(f"Ask again in {retry_after} s.", f"请在 {retry_after} 秒后再问。"))
        self.retry_after = retry_after


class ShareTaken(Overloaded):
    """As many requests of one client wait as may; others are still taken."""


class DeadlinePassed(Overloaded):
    """A request was not answered in time; what of it was not computed yet never is."""
